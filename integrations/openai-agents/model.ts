import type { Model, ModelProvider, ModelRequest } from "@openai/agents";
import { InvalidArgumentError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { gatedView, isFunction, isGuarded, isObject, methodOf } from "../shared/gated-view.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { runOf } from "../shared/run-scope.ts";
import { protectIteration } from "../shared/stoppable-source.ts";

/**
 * A model that asks before each response, streamed or not, at the boundary
 * `model`; a retry of the SDK asks again. Guarding a model twice asks once.
 *
 * Given a {@link Guard}, it asks in the run of {@link guardRun} around the call,
 * or else in a run of its own; given a {@link Run}, always in that.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for something that is no model
 */
export function guardModel<M extends Model>(guard: Guard | Run, model: M): M {
  if (!isModel(model)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "What was given as a model has no getResponse and getStreamedResponse. A model id is gated by guardAgent, guardRun or guardModelProvider",
    );
  }
  return gateModel(guard, model, nameOf(model));
}

/**
 * A provider whose models ask as by {@link guardModel}, under the name they were
 * looked up with. Guarding a provider twice asks once.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for something that is no provider
 */
export function guardModelProvider<P extends ModelProvider>(guard: Guard | Run, provider: P): P {
  if (!isObject(provider) || methodOf(provider, "getModel") === undefined) {
    throw new InvalidArgumentError("OPTION_INVALID", "A model provider has a getModel method");
  }
  if (isGuarded(provider, guard)) return provider;
  return gatedView(guard, provider, (key, value) => {
    if (!isFunction(value) || key === "constructor") return value;
    if (key !== "getModel") return value.bind(provider);
    return async (name?: string): Promise<Model> =>
      gateModel(guard, await provider.getModel(name), name === "" ? undefined : name);
  });
}

function gateModel<M extends Model>(owner: Guard | Run, model: M, name: string | undefined): M {
  if (isGuarded(model, owner)) return model;
  const boundary: Boundary = { kind: "model", name };
  return gatedView(owner, model, (key, value) => {
    if (!isFunction(value) || key === "constructor") return value;
    switch (key) {
      case "getResponse":
        return (request: ModelRequest) =>
          protectUntilStopped(
            runOf(owner),
            boundary,
            (signal) => model.getResponse({ ...request, signal }),
            {
              signal: request.signal,
            },
          );
      case "getStreamedResponse":
        return (request: ModelRequest) =>
          protectIteration(
            runOf(owner),
            boundary,
            (signal) => model.getStreamedResponse({ ...request, signal }),
            { signal: request.signal },
          );
      default:
        return value.bind(model);
    }
  });
}

/** By shape: an application may have more than one copy of the SDK. */
export function isModel(value: unknown): value is Model {
  return (
    isObject(value) &&
    ["getResponse", "getStreamedResponse"].every((name) => isFunction(Reflect.get(value, name)))
  );
}

/** Providers keep the model's id in a property that the interface does not promise. */
function nameOf(model: object): string | undefined {
  const names = ["model", "modelId", "name"].map((key): unknown => Reflect.get(model, key));
  return names.find((name) => typeof name === "string" && name !== "") as string | undefined;
}
