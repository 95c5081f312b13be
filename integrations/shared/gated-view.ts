/** What is shown of a property. `receiver` is what its methods are called on. */
type See = (key: PropertyKey, value: unknown, receiver: object) => unknown;

export interface ViewOptions {
  /**
   * What `this` is in accessors: the target, which has the private fields of
   * its class, or the view, through which they see gated things only.
   * @default "target"
   */
  readonly accessorsOn?: "target" | "view";
}

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
 * moment of reading, and `see` decides what is shown. What is added to `target`
 * later is seen through `see` too, and so are copies and clones of the view.
 */
export function gatedView<T extends object>(
  owner: object,
  target: T,
  see: See,
  { accessorsOn = "target" }: ViewOptions = {},
): T {
  const latest = new Map<PropertyKey, { readonly value: object; readonly seen: unknown }>();
  const originals = new WeakMap<object, unknown>();
  const show = (key: PropertyKey, value: unknown): unknown => {
    // A list may change in place, so it is never remembered.
    if (!isObject(value) || Array.isArray(value)) return see(key, value, target);
    const before = latest.get(key);
    if (before?.value === value) return before.seen;
    const seen = see(key, value, target);
    latest.set(key, { value, seen });
    if (isObject(seen)) originals.set(seen, value);
    return seen;
  };
  const read = (key: PropertyKey): unknown =>
    show(key, Reflect.get(target, key, accessorsOn === "view" ? view : target));
  // What was shown goes back as what it was, so that a gate never gets into the target.
  const original = (value: unknown): unknown =>
    isObject(value) && originals.has(value) ? originals.get(value) : value;
  const prototype = gatedPrototype(target, see);
  // A frozen target would force a proxy to show its properties as they are; this one has none.
  const stand: T = Object.create(Object.getPrototypeOf(target));
  const view = new Proxy(stand, {
    get: (_, key) => read(key),
    set: (_, key, value) => Reflect.set(target, key, original(value), target),
    has: (_, key) => Reflect.has(target, key),
    deleteProperty: (_, key) => Reflect.deleteProperty(target, key),
    ownKeys: () => Reflect.ownKeys(target),
    getPrototypeOf: () => prototype,
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

/** A clone takes over the prototype, and finds the methods of a class only there. */
function gatedPrototype(target: object, see: See): object | null {
  const prototype: object | null = Object.getPrototypeOf(target);
  if (prototype === null || prototype === Object.prototype) return prototype;
  return new Proxy<object>(Object.create(prototype), {
    get: (_, key, receiver: object) => see(key, Reflect.get(prototype, key, receiver), receiver),
  });
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
