import { InvalidArgumentError } from "../../src/index.ts";
import type { Guard, Run } from "../../src/index.ts";
import { bindingOf, gateFunction } from "./gate-function.ts";
import type { Binding } from "./gate-function.ts";
import { noteGate, regateBelow } from "./gate-order.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";

/** Every operation of every model interface: doGenerate, doStream, doEmbed, doRerank, … */
const OPERATION = /^do[A-Z]/;

/** Ways of a realtime model to talk to its provider that pass by every operation. */
const UNGATEABLE = ["createTransport", "getWebSocketConfig", "getServerWebSocketConfig"] as const;

/**
 * A model whose every operation asks first, at the boundary `model` with the
 * model's id as name: language, embedding, image, speech, transcription, video
 * and reranking models of the AI SDK 5, 6 and 7. Anything else about the model
 * stays as it is. Guarding a model twice asks once.
 *
 * Given a {@link Guard}, every operation is a run of its own; given a
 * {@link Run}, they share its latch and see its signal.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for a model id, or an
 * object that is no model or cannot be gated (realtime models)
 */
export function guardModel<M extends object>(guard: Guard | Run, model: M): M {
  return bindModel(bindingOf(guard), model);
}

/** @internal */
export function bindModel<M extends object>(binding: Binding, model: M): M {
  const below = regateBelow(binding, model, (inner) => bindModel(binding, inner));
  if (below !== undefined) return below as M;
  refuseUngateable(model);
  const modelId: unknown = Reflect.get(model, "modelId");
  const name = typeof modelId === "string" ? modelId : undefined;
  const gated = gatedView(binding.owner, model, (key, value, receiver) => {
    if (!isFunction(value) || key === "constructor") return value;
    if (typeof key === "string" && OPERATION.test(key)) {
      const boundary = { kind: "model", name } as const;
      return gateFunction({ binding, boundary, body: value, receiver, optionsAt: 0 });
    }
    // A method of a class may reach for private fields, which only the model itself has.
    return Object.hasOwn(model, key) ? value : value.bind(receiver);
  });
  const onTopOf = (other: object): object => bindModel(binding, other);
  return noteGate(gated, { owner: binding.owner, below: model, onTopOf });
}

/** @internal What `model` of a call's options becomes. */
export function bindModelOption(binding: Binding, model: unknown): unknown {
  return isObject(model) ? bindModel(binding, model) : refuseModelId(model);
}

function refuseUngateable(model: unknown): void {
  if (typeof model !== "object" || model === null) refuseModelId(model);
  else if (UNGATEABLE.some((name) => name in model)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "A realtime model opens connections of its own, which cannot be gated. Ask with guard.protect() before you start a session",
    );
  } else if (!hasOperation(model)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "What was given as a model has no operation (doGenerate, doStream, doEmbed, …). Pass the model itself, not its provider",
    );
  }
}

function refuseModelId(model: unknown): never {
  const what = typeof model === "string" ? `The model id ${JSON.stringify(model)}` : "No model";
  throw new InvalidArgumentError(
    "OPTION_INVALID",
    `${what} can be gated: the AI SDK resolves an id behind the gate. Pass a model object, for example gateway("provider/model") with gateway from "ai"`,
  );
}

function hasOperation(model: object): boolean {
  for (let owner: unknown = model; isObject(owner); owner = Object.getPrototypeOf(owner)) {
    for (const key of Object.getOwnPropertyNames(owner)) {
      if (OPERATION.test(key) && isFunction(Reflect.get(model, key, model))) return true;
    }
  }
  return false;
}
