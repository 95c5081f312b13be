/** Makes of a runnable that something guarded leads to a guarded one. */
export type Derive = (runnable: object) => unknown;

/** Whether LangChain would run it: by its own mark, or by its ways in. */
export function isRunnable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Reflect.get(value, "lc_runnable") === true) return true;
  return ["invoke", "stream"].every((name) => typeof Reflect.get(value, name) === "function");
}

/** How deep runnables are kept in lists and records: a branch stands beside its condition in a list. */
const MAX_DEPTH = 2;

/**
 * Guards every runnable in what a guarded object gives out: itself, in lists
 * and records, generated or promised. A framework that takes a chain apart to rebuild it
 * then rebuilds it of guarded parts.
 */
export function deriveFrom(value: unknown, derive: Derive, depth = MAX_DEPTH): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isRunnable(value)) return derive(value);
  if (isGenerator(value, "Generator")) return deriveEach(value as Iterable<unknown>, derive);
  if (isGenerator(value, "AsyncGenerator")) {
    return deriveEachLater(value as AsyncIterable<unknown>, derive);
  }
  if (value instanceof Promise) return value.then((settled) => deriveFrom(settled, derive));
  if (depth === 0) return value;
  if (Array.isArray(value)) {
    const derived = value.map((each: unknown) => deriveFrom(each, derive, depth - 1));
    return derived.some((each, index) => !Object.is(each, value[index])) ? derived : value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, each]: [string, unknown]) => {
    return [key, deriveFrom(each, derive, depth - 1)] as const;
  });
  const isSame = entries.every(([key, each]) => Object.is(each, Reflect.get(value, key)));
  return isSame ? value : Object.fromEntries(entries);
}

const isGenerator = (value: object, kind: string): boolean =>
  Object.prototype.toString.call(value) === `[object ${kind}]`;

function* deriveEach(values: Iterable<unknown>, derive: Derive): Generator {
  for (const value of values) yield deriveFrom(value, derive);
}

async function* deriveEachLater(values: AsyncIterable<unknown>, derive: Derive): AsyncGenerator {
  for await (const value of values) yield deriveFrom(value, derive);
}

/** A trap that shows in descriptors what reading shows, as far as a proxy of `target` may. */
export function descriptorAsRead(
  target: object,
  property: PropertyKey,
  read: () => unknown,
): PropertyDescriptor | undefined {
  const descriptor = Reflect.getOwnPropertyDescriptor(target, property);
  const mayDiffer = descriptor?.configurable === true && "value" in descriptor;
  return mayDiffer ? { ...descriptor, value: read() } : descriptor;
}
