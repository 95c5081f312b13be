import type { Run } from "../../src/index.ts";
import type { AnyFunction, Binding } from "./gate-function.ts";
import { isObject } from "./gated-view.ts";
import { bindModelOption, isFunction } from "./model.ts";
import { bindTools } from "./tool.ts";

/** Where a call keeps the function that may change the model for a step. */
const PREPARE_STEP = ["prepareStep", "experimental_prepareStep"] as const;

/** Functions of the caller's that the SDK runs between two gates. */
const BETWEEN_GATES = [
  "experimental_repairToolCall",
  "repairToolCall",
  "experimental_repairText",
  "repairText",
  "experimental_download",
] as const;

export type CallOptions = Record<string, unknown>;

/** A call's options with everything gated that begins work. Keys that are absent stay absent. */
export function gateCallOptions(binding: Binding, options: object): CallOptions {
  const gated: CallOptions = { ...options };
  gateModelAndTools(binding, gated, undefined);
  for (const key of PREPARE_STEP) {
    const prepare = gated[key];
    if (isFunction(prepare)) gated[key] = gatePrepareStep(binding, prepare);
  }
  for (const key of BETWEEN_GATES) {
    const work = gated[key];
    if (isFunction(work) && binding.run) gated[key] = notAfterStop(binding.run, work);
  }
  return gated;
}

function gateModelAndTools(binding: Binding, gated: CallOptions, alreadyGated: unknown): void {
  const { model, tools } = gated;
  if (model !== undefined && model !== null && model !== alreadyGated) {
    gated["model"] = bindModelOption(binding, model);
  }
  if (isObject(tools)) gated["tools"] = bindTools(binding, tools);
}

function gatePrepareStep(binding: Binding, prepare: AnyFunction): AnyFunction {
  return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    binding.run?.signal.throwIfAborted();
    const step: unknown = await Reflect.apply(prepare, this, args);
    if (!isObject(step)) return step;
    const [options] = args;
    // The model that the SDK hands over is the gated one, perhaps wrapped by the SDK.
    const handedOver: unknown = isObject(options) ? Reflect.get(options, "model") : undefined;
    const gated: CallOptions = { ...step };
    gateModelAndTools(binding, gated, handedOver);
    return gated;
  };
}

function notAfterStop(run: Run, work: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    run.signal.throwIfAborted();
    return Reflect.apply(work, this, args);
  };
}
