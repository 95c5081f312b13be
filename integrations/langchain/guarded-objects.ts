import type { Guard } from "../../src/index.ts";

const guardsOf = new WeakMap<object, ReadonlySet<Guard>>();

/** Notes that `object` gates for `guard`, besides whatever `inner` gates for. */
export function markGuarded<T extends object>(object: T, guard: Guard, inner?: object): T {
  const inherited = inner === undefined ? undefined : guardsOf.get(inner);
  guardsOf.set(object, new Set([...(inherited ?? []), guard]));
  return object;
}

/** Whether `object` already gates for `guard`: a second gate would only ask twice. */
export function isGuarded(object: object, guard: Guard): boolean {
  return guardsOf.get(object)?.has(guard) === true;
}
