type See = (key: PropertyKey, value: unknown) => unknown;

/**
 * `target` as it looks through `see`: every property is read from it at the
 * moment of reading, private fields of its class included, and `see` decides
 * what is shown. What is added to `target` later is seen through `see` too.
 */
export function gatedView<T extends object>(target: T, see: See): T {
  const latest = new Map<PropertyKey, { readonly value: object; readonly seen: unknown }>();
  const show = (key: PropertyKey, value: unknown): unknown => {
    if (!isObject(value)) return see(key, value);
    const before = latest.get(key);
    if (before?.value === value) return before.seen;
    const seen = see(key, value);
    latest.set(key, { value, seen });
    return seen;
  };
  const read = (key: PropertyKey): unknown => show(key, Reflect.get(target, key, target));
  // A frozen target would force a proxy to show its properties as they are; this one has none.
  const stand: T = Object.create(Object.getPrototypeOf(target));
  return new Proxy(stand, {
    get: (_, key) => read(key),
    set: (_, key, value) => Reflect.set(target, key, value, target),
    has: (_, key) => Reflect.has(target, key),
    deleteProperty: (_, key) => Reflect.deleteProperty(target, key),
    ownKeys: () => Reflect.ownKeys(target),
    preventExtensions: () => false,
    setPrototypeOf: () => false,
    defineProperty: () => false,
    getOwnPropertyDescriptor(_, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(target, key);
      if (descriptor === undefined) return undefined;
      const { enumerable = false } = descriptor;
      return "value" in descriptor
        ? { configurable: true, enumerable, writable: true, value: show(key, descriptor.value) }
        : { configurable: true, enumerable, get: () => read(key) };
    },
  });
}

/** Anything that has properties, functions included. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
