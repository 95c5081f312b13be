import { InvalidArgumentError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { gatedView, isFunction, isGuarded, isObject, methodOf } from "../shared/gated-view.ts";
import { protectWhile } from "../shared/protect-while.ts";
import type { Begun } from "../shared/protect-while.ts";
import { runOf } from "../shared/run-scope.ts";
import { stoppable } from "../shared/stoppable-source.ts";

/** Every operation of every model interface: doGenerate, doStream, doEmbed, … */
const OPERATION = /^do[A-Z]/;

/**
 * A model that asks before each call, at the boundary `model` with the model's
 * id as name: models of the AI SDK, which are what Mastra takes, and Mastra's
 * own. Guarding a model twice asks once.
 *
 * Given a {@link Guard}, it asks in the run of the guarded agent around the call,
 * or else in a run of its own; given a {@link Run}, always in that.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for something that is no
 * model, a model id among them: guard the agent, which resolves it
 */
export function guardModel<M extends object>(guard: Guard | Run, model: M): M {
  if (!isModel(model)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "What was given as a model has no doGenerate or doStream. A model id is gated by guardAgent",
    );
  }
  if (isGuarded(model, guard)) return model;
  const modelId: unknown = Reflect.get(model, "modelId");
  const boundary: Boundary = {
    kind: "model",
    name: typeof modelId === "string" ? modelId : undefined,
  };
  return gatedView(guard, model, (key, value) => {
    if (!isFunction(value) || key === "constructor") return value;
    if (typeof key !== "string" || !OPERATION.test(key)) {
      // A method of a class may reach for private fields, which only the model itself has.
      return Object.hasOwn(model, key) ? value : value.bind(model);
    }
    return (...[options, ...rest]: unknown[]): Promise<unknown> => {
      const run = runOf(guard);
      const body = async (abortSignal: AbortSignal): Promise<Begun<unknown>> => {
        const given = { ...Object(options), abortSignal };
        return stoppable(run, await methodOf(model, key)?.(given, ...rest));
      };
      return protectWhile(run, boundary, body, { signal: signalOf(options) });
    };
  });
}

/** The `abortSignal` in an options object. */
export function signalOf(options: unknown): AbortSignal | undefined {
  const signal: unknown = isObject(options) ? Reflect.get(options, "abortSignal") : undefined;
  return signal instanceof AbortSignal ? signal : undefined;
}

export const isModel = (value: unknown): value is object =>
  isObject(value) &&
  ["doGenerate", "doStream"].some((name) => isFunction(Reflect.get(value, name)));
