import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { CallbackManager } from "@langchain/core/callbacks/manager";
import { implicitConfig } from "./implicit-config.ts";
import { RUN_KEY } from "./run-scope.ts";
import type { ConfigLike, RunScope } from "./run-scope.ts";

/** Puts a run and its signal into a config. What the caller put there stays. */
export function carryRun(
  config: ConfigLike | undefined,
  scope: RunScope,
  signal: AbortSignal,
): ConfigLike {
  // A key that a caller leaves out is LangChain's to fill from the work around.
  const around = implicitConfig();
  return {
    ...config,
    configurable: { ...(config?.configurable ?? around?.configurable), [RUN_KEY]: scope },
    metadata: { ...(config?.metadata ?? around?.metadata), [RUN_KEY]: scope.id },
    signal,
  };
}

/** Adds a handler to whatever callbacks there are, an empty list included. */
export function addHandler(callbacks: unknown, handler: BaseCallbackHandler): unknown {
  const present = callbacks ?? implicitConfig()?.callbacks;
  if (Array.isArray(present)) return [...(present as unknown[]), handler];
  if (!isCallbackManager(present)) return [handler];
  const manager = present.copy();
  manager.addHandler(handler, true);
  return manager;
}

/** By shape: an application may have more than one copy of @langchain/core. */
const isCallbackManager = (callbacks: unknown): callbacks is CallbackManager =>
  callbacks instanceof CallbackManager ||
  (typeof callbacks === "object" && callbacks !== null && "addHandler" in callbacks);
