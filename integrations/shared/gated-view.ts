type See = (key: PropertyKey, value: unknown) => unknown;

/** What a view stands for, and whose gate it is. */
interface Viewed {
  readonly owner: object;
  readonly target: object;
}

const viewed = new WeakMap<object, Viewed>();

/** Whether `value` is a view of `owner`'s already, on top or below views of others. */
export function isGuarded(value: object, owner: object): boolean {
  const known = viewed.get(value);
  return known !== undefined && (known.owner === owner || isGuarded(known.target, owner));
}

/**
 * `target` as it looks through `see`: every property is read from it at the
 * moment of reading, and `see` decides what is shown. What is added later is
 * seen through `see` too, and copies of the view hold what the view shows.
 */
export function gatedView<T extends object>(owner: object, target: T, see: See): T {
  const shown = new WeakMap<object, unknown>();
  const originals = new WeakMap<object, unknown>();
  const show = (key: PropertyKey, value: unknown): unknown => {
    // A list may change in place, so it is never remembered.
    if (!isObject(value) || Array.isArray(value)) return see(key, value);
    if (!shown.has(value)) {
      const gated = see(key, value);
      shown.set(value, gated);
      if (isObject(gated)) originals.set(gated, value);
    }
    return shown.get(value);
  };
  const read = (key: PropertyKey): unknown => show(key, Reflect.get(target, key, target));
  // A frozen target would force a proxy to show its properties as they are; this one has none.
  const stand: T = Object.create(Object.getPrototypeOf(target));
  const view = new Proxy(stand, {
    get: (_, key) => read(key),
    // What was shown comes back as what it was, so that a gate never gets into the target.
    set: (_, key, value) =>
      Reflect.set(
        target,
        key,
        (isObject(value) ? originals.get(value) : undefined) ?? value,
        target,
      ),
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
  viewed.set(view, { owner, target });
  return view;
}

export type AnyFunction = (...args: never[]) => unknown;

/** Anything that has properties, functions included. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || isFunction(value);
}

export function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function";
}

/** The method `name` of a thing, bound to it; undefined when it has none. */
export function methodOf(
  target: object,
  name: PropertyKey,
): ((...args: unknown[]) => unknown) | undefined {
  const method: unknown = Reflect.get(target, name, target);
  return isFunction(method) ? (...args) => Reflect.apply(method, target, args) : undefined;
}
