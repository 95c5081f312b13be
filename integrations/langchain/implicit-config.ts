import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import type { ConfigLike } from "./run-scope.ts";

/**
 * Makes LangChain hand a config on to nested calls that were given none, where
 * the runtime can. Without it such a call runs without callbacks, out of sight
 * of every handler. LangGraph does the same when it is imported.
 */
export function propagateConfigs(): void {
  const hooks = globalThis.process?.getBuiltinModule?.("node:async_hooks");
  if (hooks === undefined) return;
  AsyncLocalStorageProviderSingleton.initializeGlobalInstance(new hooks.AsyncLocalStorage());
}

/** The config of the work that is going on around this call, if there is one. */
export function implicitConfig(): ConfigLike | undefined {
  return AsyncLocalStorageProviderSingleton.getRunnableConfig();
}
