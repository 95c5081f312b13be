import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { BaseLanguageModel } from "@langchain/core/language_models/base";
import type { AnyAgentMiddleware } from "langchain";
import {
  createGuardCallbackHandler,
  guardGraph,
  guardMiddleware,
  guardModel,
  guardNode,
  guardRunnable,
  guardTool,
} from "../../../integrations/langchain/index.ts";
import type { Guardable, GuardToolOptions } from "../../../integrations/langchain/index.ts";
import type { Scene } from "./scene.ts";

/** The gates of this package, or none: what a call does must not depend on which. */
export interface Gates {
  runnable<R extends Guardable>(runnable: R): R;
  graph<G extends Guardable>(graph: G): G;
  tool<T extends object>(tool: T, options?: GuardToolOptions): T;
  model<M extends BaseLanguageModel>(model: M): M;
  node<A extends unknown[], T>(node: (...args: A) => Promise<T>): (...args: A) => Promise<T>;
  nodeRunnable<R extends Guardable>(node: R): R;
  middleware(): AnyAgentMiddleware[];
  handlers(): BaseCallbackHandler[];
}

export function gatesOf({ guard }: Scene): Gates {
  return {
    runnable: (runnable) => guardRunnable(guard, runnable),
    graph: (graph) => guardGraph(guard, graph),
    tool: (tool, options) => guardTool(guard, tool, options),
    model: (model) => guardModel(guard, model),
    node: (node) => guardNode(guard, node),
    nodeRunnable: (node) => guardNode(guard, node),
    middleware: () => [guardMiddleware(guard)],
    handlers: () => [createGuardCallbackHandler(guard)],
  };
}

export const noGates: Gates = {
  runnable: (runnable) => runnable,
  graph: (graph) => graph,
  tool: (tool) => tool,
  model: (model) => model,
  node: (node) => node,
  nodeRunnable: (node) => node,
  middleware: () => [],
  handlers: () => [],
};

/** One way in, as an application uses it. */
export interface Way {
  /** Bodies that begin when everything is allowed, in order. */
  readonly bodies: readonly string[];
  /** Whether the bodies begin together. */
  readonly isParallel?: boolean;
  /** Makes everything anew, begins, and reads what comes to its end. */
  call(gates: Gates, scene: Scene, signal?: AbortSignal): Promise<unknown>;
}

/** Ways by door and entry. */
export type Ways = Readonly<Record<string, Readonly<Record<string, Way>>>>;
