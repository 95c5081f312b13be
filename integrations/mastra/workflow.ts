import type { Boundary, Guard, Run, WorkContext } from "../../src/index.ts";
import { gatedView, isFunction, isGuarded, isObject, methodOf } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import { gateExecute } from "./tool.ts";

/** What makes a run of a workflow, or is one. */
const BEGINS = /^(createRun|execute$)/;
/** What a run of a workflow is begun, or gone on with, by. */
const GOES = /^(start|stream|resume|restart|timeTravel)/;

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
    return gateExecute(guard, boundary, async (args, _signal, context, run) => {
      const made: unknown = await Reflect.apply(value, workflow, args);
      const isRun = isObject(made) && methodOf(made, "start") !== undefined;
      return isRun ? followRun({ run, boundary, context }, made) : made;
    });
  });
}

interface Allowed {
  readonly run: Run;
  readonly boundary: Boundary;
  readonly context: WorkContext;
}

/** A run of a workflow, which is cancelled by a stop, and counts as running until it has ended. */
function followRun(allowed: Allowed, workflowRun: object): object {
  const { run } = allowed;
  const cancel = (): void => {
    const controller: unknown = Reflect.get(workflowRun, "abortController");
    // Mastra's own cancelling gives the steps no reason.
    if (controller instanceof AbortController) controller.abort(run.signal.reason);
    const cancelled = Promise.resolve(methodOf(workflowRun, "cancel")?.());
    cancelled.catch(() => undefined);
  };
  run.signal.addEventListener("abort", cancel, { once: true });
  return gatedView(run, workflowRun, (key, value) => {
    if (!isFunction(value) || key === "constructor") return value;
    const goes = typeof key === "string" && GOES.test(key);
    return goes ? followCall(allowed, workflowRun, value) : value.bind(workflowRun);
  });
}

/** A call that answers with a promise, or at once with a stream and the promise of its result. */
function followCall(
  { run, boundary, context }: Allowed,
  workflowRun: object,
  method: AnyFunction,
): AnyFunction {
  return (...args: unknown[]): unknown => {
    if (run.stopped !== undefined) throw run.stopped;
    const answer: unknown = Reflect.apply(method, workflowRun, args);
    const end: unknown = answer instanceof Promise ? answer : Reflect.get(Object(answer), "result");
    context.protect(boundary, () => end).catch(() => undefined);
    return answer;
  };
}
