/** Makes of a runnable that something guarded leads to a guarded one. */
export type Derive = (runnable: object) => unknown;

/** Whether LangChain would run it: by its own mark, or by its ways in. */
export function isRunnable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Reflect.get(value, "lc_runnable") === true) return true;
  return ["invoke", "stream"].every((name) => typeof Reflect.get(value, name) === "function");
}

/**
 * Guards every runnable in what a guarded object gives out: itself, in a list
 * or record, generated or promised. A framework that takes a chain apart to rebuild it
 * then rebuilds it of guarded parts.
 */
export function deriveFrom(value: unknown, derive: Derive): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isRunnable(value)) return derive(value);
  if (isGenerator(value, "Generator")) return deriveEach(value as Iterable<unknown>, derive);
  if (isGenerator(value, "AsyncGenerator")) {
    return deriveEachLater(value as AsyncIterable<unknown>, derive);
  }
  if (value instanceof Promise) return value.then((settled) => deriveFrom(settled, derive));
  if (Array.isArray(value)) {
    return value.some(isRunnable) ? value.map((each) => deriveFrom(each, derive)) : value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value);
  if (!entries.some(([, each]) => isRunnable(each))) return value;
  return Object.fromEntries(entries.map(([key, each]) => [key, deriveFrom(each, derive)]));
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
