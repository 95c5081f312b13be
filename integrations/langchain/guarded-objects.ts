import type { Guard } from "../../src/index.ts";

const guardsOf = new WeakMap<object, ReadonlySet<Guard>>();
const standsFor = new WeakMap<object, object>();

/** Notes that `object` gates for `guard`, besides whatever `inner` gates for. */
export function markGuarded<T extends object>(object: T, guard: Guard, inner?: object): T {
  const inherited = inner === undefined ? undefined : guardsOf.get(inner);
  guardsOf.set(object, new Set([...(inherited ?? []), guard]));
  if (inner !== undefined) standsFor.set(object, inner);
  return object;
}

/** Whether `object` already gates for `guard`: a second gate would only ask twice. */
export function isGuarded(object: object, guard: Guard): boolean {
  return guardsOf.get(object)?.has(guard) === true;
}

/**
 * What a method works on: `self` when that is a gate of ours around `inner`'s,
 * so that what the method calls passes the outer gate too; else `inner`.
 */
export function selfOf(self: unknown, inner: object): object {
  return typeof self === "object" && self !== null && guardsOf.has(self) ? self : inner;
}

/** What is below all gates. */
export function originalOf(object: object): object {
  let original = object;
  for (let next = standsFor.get(object); next !== undefined; next = standsFor.get(next)) {
    original = next;
  }
  return original;
}
