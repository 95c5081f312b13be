import type { Binding } from "./gate-function.ts";

interface Gate {
  readonly owner: Binding["owner"];
  readonly below: object;
  /** The same gate, on top of something else. */
  readonly onTopOf: (below: object) => object;
}

const gates = new WeakMap<object, Gate>();

/** Notes that `gated` is `below` with a gate on top, and returns it. */
export function noteGate<T extends object>(gated: T, gate: Gate): T {
  gates.set(gated, gate);
  return gated;
}

/**
 * `value` with the gate that its owner has below those of others replaced, so
 * that it asks once; undefined when there is none.
 */
export function regateBelow(
  { owner }: Binding,
  value: object,
  regate: (below: object) => object,
): object | undefined {
  const top = gates.get(value);
  if (top === undefined || top.owner === owner || !hasGate(owner, top.below)) return undefined;
  return top.onTopOf(regate(top.below));
}

function hasGate(owner: Binding["owner"], value: object): boolean {
  const gate = gates.get(value);
  return gate !== undefined && (gate.owner === owner || hasGate(owner, gate.below));
}
