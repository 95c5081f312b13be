import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import { implicitConfig } from "./implicit-config.ts";
import type { ConfigLike } from "./run-scope.ts";

// What `tool()`, a lambda or a node of a graph is made of is given up when its
// signal aborts: what called it goes on, and so may the function. Its end is
// that of the callback with which LangChain enters its storage.

/** Told of a function that LangChain runs, with the config that the function is given. */
type Listener = (ended: Promise<unknown>, config: ConfigLike | undefined) => void;

type Enter = (
  store: unknown,
  callback: (...args: unknown[]) => unknown,
  ...args: unknown[]
) => unknown;

const watched = new WeakSet<object>();
const listeners = new Set<Listener>();

/** Tells `listener` of every function that LangChain runs from now on. */
export function onFunction(listener: Listener): void {
  watchStorage();
  listeners.add(listener);
}

/** Calls `body`, and gives the end of the functions that it runs before it first waits. */
export function watchFunction<T>(body: () => T): {
  readonly result: T;
  readonly over: Promise<unknown>;
} {
  watchStorage();
  const ends: Promise<unknown>[] = [];
  const listener: Listener = (ended) => void ends.push(ended);
  listeners.add(listener);
  try {
    const result = body();
    return { result, over: Promise.allSettled(ends) };
  } finally {
    listeners.delete(listener);
  }
}

/** LangChain's storage may be replaced when LangGraph is imported. */
function watchStorage(): void {
  const storage = AsyncLocalStorageProviderSingleton.getInstance();
  if (watched.has(storage)) return;
  watched.add(storage);
  const enter = storage.run.bind(storage) as Enter;
  const run: Enter = (store, callback, ...args) =>
    enter(
      store,
      (...given) => {
        const result = callback(...given);
        if (result instanceof Promise) {
          const config = implicitConfig();
          for (const listener of listeners) listener(result, config);
        }
        return result;
      },
      ...args,
    );
  Object.assign(storage, { run });
}
