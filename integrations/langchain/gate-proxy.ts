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
 * or record, or promised. A framework that takes a chain apart to rebuild it
 * then rebuilds it of guarded parts.
 */
export function deriveFrom(value: unknown, derive: Derive): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isRunnable(value)) return derive(value);
  if (value instanceof Promise) return value.then((settled) => deriveFrom(settled, derive));
  if (Array.isArray(value)) {
    return value.some(isRunnable) ? value.map((each) => deriveFrom(each, derive)) : value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value);
  if (!entries.some(([, each]) => isRunnable(each))) return value;
  return Object.fromEntries(entries.map(([key, each]) => [key, deriveFrom(each, derive)]));
}
