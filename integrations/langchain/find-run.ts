import type { Guard, Run } from "../../src/index.ts";
import { implicitConfig } from "./implicit-config.ts";
import { findScope, RunScope } from "./run-scope.ts";
import type { ConfigLike } from "./run-scope.ts";

/** Where a callback handler of ours can be asked which run a LangChain run belongs to. */
export const RUN_OF: unique symbol = Symbol("machineid.run-of");

/** A callback handler that knows the runs of the calls it has seen. */
export interface RunHolder {
  [RUN_OF](guard: Guard, langchainRunId: string | undefined): Run | undefined;
}

/** What of a LangChain callback or run manager a gate looks at. */
export interface ManagerLike {
  readonly handlers?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly runId?: unknown;
  getParentRunId?(): string | undefined;
}

/** The innermost scope around a call, from what the call was given or from around it. */
export function scopeAround(config: ConfigLike | undefined): RunScope | undefined {
  return findScope(config) ?? findScope(implicitConfig());
}

/** A scope that takes `run` further inwards. */
export function scopeWith(guard: Guard, run: Run, config: ConfigLike | undefined): RunScope {
  const around = scopeAround(config);
  return around?.of(guard)?.run === run ? around : new RunScope(guard, run, around);
}

/**
 * The run that a call belongs to: of the guarded invocation around it, of the
 * callback handler that watches it, of the graph invocation it is a step of.
 * Undefined for a call that stands alone.
 */
export function findRun(
  guard: Guard,
  config: ConfigLike | undefined,
  manager?: ManagerLike,
): Run | undefined {
  const scope =
    findScope(config)?.of(guard) ??
    findScope(manager)?.of(guard) ??
    findScope(implicitConfig())?.of(guard);
  if (scope !== undefined) return scope.run;
  const implicit = implicitConfig();
  return (
    runOfHandlers(guard, manager) ??
    runOfHandlers(guard, config?.callbacks) ??
    runOfHandlers(guard, implicit?.callbacks) ??
    runOfGraph(guard, config?.writer ?? implicit?.writer)
  );
}

/** {@link findRun}, or a run of the call's own. */
export function runFor(guard: Guard, config: ConfigLike | undefined, manager?: ManagerLike): Run {
  return findRun(guard, config, manager) ?? guard.run();
}

function runOfHandlers(guard: Guard, callbacks: unknown): Run | undefined {
  if (typeof callbacks !== "object" || callbacks === null) return undefined;
  const manager: ManagerLike = Array.isArray(callbacks) ? { handlers: callbacks } : callbacks;
  if (!Array.isArray(manager.handlers)) return undefined;
  const runId = typeof manager.runId === "string" ? manager.runId : manager.getParentRunId?.();
  for (const handler of manager.handlers) {
    if (!isRunHolder(handler)) continue;
    const run = handler[RUN_OF](guard, runId);
    if (run !== undefined) return run;
  }
  return undefined;
}

const isRunHolder = (handler: unknown): handler is RunHolder =>
  typeof handler === "object" && handler !== null && RUN_OF in handler;

const graphRuns = new WeakMap<Guard, WeakMap<object, Run>>();

/** The run of one invocation of a graph, which its writer stands for. */
function runOfGraph(guard: Guard, writer: unknown): Run | undefined {
  if (typeof writer !== "function") return undefined;
  let runs = graphRuns.get(guard);
  if (runs === undefined) graphRuns.set(guard, (runs = new WeakMap()));
  let run = runs.get(writer);
  if (run === undefined) runs.set(writer, (run = guard.run()));
  return run;
}
