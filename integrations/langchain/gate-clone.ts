/**
 * A trap that gates clones. One that is made with the prototype of a guarded
 * object finds what its class does only there, so the prototype that a guarded
 * object shows gives gated methods: those of `gate` around the clone itself.
 */
export function gatedPrototypeOf(
  target: object,
  gate: (clone: object) => object,
): () => object | null {
  const prototype: object | null = Object.getPrototypeOf(target);
  // A proxy must be honest about the prototype of what cannot change.
  if (prototype === null || prototype === Object.prototype || !Object.isExtensible(target)) {
    return () => prototype;
  }
  const gates = new WeakMap<object, object>();
  const shown: object = new Proxy<object>(Object.create(prototype), {
    get: (_, property, clone: object) => {
      // Read from the prototype itself: what it works on is known when it is called.
      if (clone === shown) return ofReceiver(property, Reflect.get(prototype, property));
      const gated = gates.get(clone) ?? gate(withPrototype(clone, prototype));
      gates.set(clone, gated);
      return Reflect.get(gated, property);
    },
  });
  return () => shown;
}

/** A method read from a prototype does what the method of its receiver does. */
function ofReceiver(property: PropertyKey, member: unknown): unknown {
  if (typeof member !== "function" || property === "constructor") return member;
  return function late(this: unknown, ...args: unknown[]): unknown {
    const method = Reflect.get(Object(this) as object, property) as (...args: unknown[]) => unknown;
    return Reflect.apply(method, this, args);
  };
}

/** `clone` as it would be with the prototype itself. */
function withPrototype(clone: object, prototype: object): object {
  const bare: object = new Proxy(clone, {
    get: (own, property) =>
      Reflect.get(Object.hasOwn(own, property) ? own : prototype, property, bare),
    getPrototypeOf: () => prototype,
  });
  return bare;
}
