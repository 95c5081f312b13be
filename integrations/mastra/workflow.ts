import { InvalidArgumentError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { gatedView, isFunction, isGuarded, isObject, methodOf } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import type { Begun } from "../shared/protect-while.ts";
import { gateBegun } from "./tool.ts";

/** What makes a run of a workflow, or is one. */
const BEGINS = /^(createRun|execute$)/;
/** What a run of a workflow is begun, or gone on with, by. */
const GOES = /^(start|stream|resume|restart|timeTravel)/;
/** Those of them that answer at once, so that nothing can be asked before. */
const STREAMS = /stream/i;

/** A call that comes later than this after the run was made is asked for anew. */
const FRESH_MS = 1_000;

/** Workflows that ask, at the boundary `tool`, before a run of theirs is made. */
export function guardWorkflows(guard: Guard, workflows: object): object {
  const entries = Object.entries(workflows).map(([name, workflow]: [string, unknown]) => [
    name,
    isObject(workflow) ? guardWorkflow(guard, name, workflow) : workflow,
  ]);
  return Object.fromEntries(entries);
}

function guardWorkflow(guard: Guard, name: string, workflow: object): object {
  if (isGuarded(workflow, guard)) return workflow;
  const boundary = { kind: "tool", name } as const;
  return gatedView(guard, workflow, (key, value) => {
    if (!isFunction(value) || key === "constructor") return value;
    if (typeof key !== "string" || !BEGINS.test(key)) return value.bind(workflow);
    return gateBegun(guard, boundary, async (args, run) => {
      const made: unknown = await Reflect.apply(value, workflow, args);
      const isRun = isObject(made) && methodOf(made, "start") !== undefined;
      return isRun ? followRun(run, boundary, made) : { value: made, over: Promise.resolve() };
    });
  });
}

/**
 * A run of a workflow, which is cancelled by a stop. The body that was asked for
 * lasts from its making to the end of its first call, if that comes soon; a later one asks again.
 */
function followRun(run: Run, boundary: Boundary, workflowRun: object): Begun<object> {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const madeAtMs = performance.now();
  let isBegun = false;
  const cancel = (): void => {
    // What has not begun by now never will.
    if (!isBegun) end();
    const controller: unknown = Reflect.get(workflowRun, "abortController");
    // Mastra's own cancelling gives the steps no reason.
    if (controller instanceof AbortController) controller.abort(run.signal.reason);
    const cancelled = Promise.resolve(methodOf(workflowRun, "cancel")?.());
    cancelled.catch(() => undefined);
  };
  run.signal.addEventListener("abort", cancel, { once: true });
  const go = (name: string, method: AnyFunction, args: unknown[]): unknown => {
    if (run.stopped !== undefined) throw run.stopped;
    const call = (): unknown => Reflect.apply(method, workflowRun, args);
    const isFirst = !isBegun;
    isBegun = true;
    if (isFirst) {
      if (performance.now() - madeAtMs <= FRESH_MS) return callUntil(call, end);
      end();
    }
    if (!STREAMS.test(name)) return run.protect(boundary, call);
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      `${name}() begins at once, and this run of the workflow has had the call it was allowed, or was made more than a second ago. Make another with createRun({ runId })`,
    );
  };
  const value = gatedView(run, workflowRun, (key, method) => {
    if (!isFunction(method) || key === "constructor") return method;
    if (typeof key !== "string" || !GOES.test(key)) return method.bind(workflowRun);
    return (...args: unknown[]): unknown => go(key, method, args);
  });
  return { value, over };
}

/** Calls what answers with a promise, or at once with a stream and the promise of its result. */
function callUntil(call: () => unknown, end: () => void): unknown {
  let answer: unknown;
  try {
    answer = call();
  } catch (error) {
    end();
    throw error;
  }
  const result: unknown = isObject(answer)
    ? (Reflect.get(answer, "result") ?? methodOf(answer, "getWorkflowState")?.())
    : undefined;
  Promise.resolve(answer instanceof Promise ? answer : result).then(end, end);
  return answer;
}
