import type { Run } from "../../src/index.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import type { Binding } from "./gate-function.ts";
import { bindModelOption } from "./model.ts";
import { bindTools } from "./tool.ts";
import { gateToolApproval } from "./tool-approval.ts";

/** Where a call keeps the function that may change the model for a step. */
const PREPARE_STEP: ReadonlySet<PropertyKey> = new Set(["prepareStep", "experimental_prepareStep"]);

/** Functions of the caller's that the SDK runs between two gates. */
const BETWEEN_GATES: ReadonlySet<PropertyKey> = new Set([
  "experimental_repairToolCall",
  "repairToolCall",
  "experimental_repairText",
  "repairText",
  "experimental_download",
]);

/** A function of the caller's for each tool, which version 7 runs right before the tool. */
const REFINE_INPUT = "experimental_refineToolInput";

export type CallOptions = Record<string, unknown>;

/** A call's options with everything gated that begins work. Keys that are absent stay absent. */
export function gateCallOptions(binding: Binding, options: object): CallOptions {
  const gated: CallOptions = { ...options };
  for (const key of Object.keys(gated)) gated[key] = gateOption(binding, key, gated[key]);
  return gated;
}

/** One option of a call, gated if it begins work. */
export function gateOption(binding: Binding, key: PropertyKey, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (key === "model") return bindModelOption(binding, value);
  if (key === "tools") return isObject(value) ? bindTools(binding, value) : value;
  if (key === "toolApproval") return gateToolApproval(binding, value);
  if (key === REFINE_INPUT && isObject(value)) return gateEach(binding, value);
  if (!isFunction(value)) return value;
  if (PREPARE_STEP.has(key)) return gatePrepareStep(binding, value);
  return BETWEEN_GATES.has(key) && binding.run ? notAfterStop(binding.run, value) : value;
}

function gatePrepareStep(binding: Binding, prepare: AnyFunction): AnyFunction {
  return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    binding.run?.signal.throwIfAborted();
    const [options] = args;
    // The model that the SDK hands over is the gated one, perhaps wrapped by the SDK. It is
    // read before `prepare` runs, which may put another in its place.
    const handedOver: unknown = isObject(options) ? Reflect.get(options, "model") : undefined;
    const step: unknown = await Reflect.apply(prepare, this, args);
    if (!isObject(step)) return step;
    const { model, ...others }: CallOptions = { ...step };
    const gated = gateCallOptions(binding, others);
    if (!("model" in step)) return gated;
    return {
      ...gated,
      model: model === handedOver ? model : gateOption(binding, "model", model),
    };
  };
}

function gateEach({ owner, run }: Binding, functions: object): object {
  if (run === undefined) return functions;
  return gatedView(owner, functions, (_, work) =>
    isFunction(work) ? notAfterStop(run, work) : work,
  );
}

function notAfterStop(run: Run, work: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    run.signal.throwIfAborted();
    return Reflect.apply(work, this, args);
  };
}
