import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";

/** A call, and the end of what it began. */
export interface Watched {
  readonly result: unknown;
  /** Settles when the function has, be it after the result. */
  readonly over: Promise<unknown>;
}

/**
 * Calls the body of a tool. What `tool()` makes rejects when its signal aborts
 * and gives the function inside up, which may go on: its end is that of the
 * callback with which LangChain enters its storage, before anything is awaited.
 */
export function watchFunction(body: () => unknown): Watched {
  const storage: object = AsyncLocalStorageProviderSingleton.getInstance();
  const enter: unknown = Reflect.get(storage, "run");
  const inherited = !Object.hasOwn(storage, "run");
  let over: unknown;
  const restore = (): void => {
    if (inherited) Reflect.deleteProperty(storage, "run");
    else Reflect.set(storage, "run", enter);
  };
  Reflect.set(storage, "run", (...args: unknown[]): unknown => {
    restore();
    over = Reflect.apply(enter as (...args: unknown[]) => unknown, storage, args);
    return over;
  });
  try {
    return { result: body(), over: Promise.resolve(over) };
  } finally {
    restore();
  }
}
