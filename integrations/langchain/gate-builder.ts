import { deriveFrom } from "./gate-proxy.ts";
import type { Derive } from "./gate-proxy.ts";

/** What a compiled graph was made from. */
export const isBuilder = (value: unknown): value is object =>
  typeof value === "object" && value !== null && "compile" in value && "nodes" in value;

/** The builder of a guarded graph: what it compiles anew is guarded, and so are its nodes. */
export function gateBuilder(builder: object, derive: Derive): object {
  const proxy: object = new Proxy(builder, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function") return deriveFrom(member, derive);
      if (property === "constructor") return member;
      return (...args: unknown[]): unknown => {
        const given: unknown = Reflect.apply(member, target, args);
        return given === target ? proxy : deriveFrom(given, derive);
      };
    },
  });
  return proxy;
}
