import { isFunction } from "../shared/gated-view.ts";

export type Method = (...args: unknown[]) => unknown;

/** Puts a gate where an agent looks its own method up. */
export function replaceMethod(
  agent: object,
  name: string,
  gate: (original: Method) => Method,
): void {
  const original: unknown = Reflect.get(agent, name);
  if (!isFunction(original)) return;
  const gated = gate((...args) => Reflect.apply(original, agent, args));
  Object.defineProperty(agent, name, { value: gated, configurable: true, writable: true });
}
