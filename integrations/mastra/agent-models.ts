import type { Guard } from "../../src/index.ts";
import { isFunction, isObject } from "../shared/gated-view.ts";
import { guardModel, isModel } from "./model.ts";
import { replaceMethod } from "./replace-method.ts";

/** Gates whatever an agent makes of the name, config or function that says its model. */
export function gateModels(guard: Guard, agent: object): void {
  replaceMethod(agent, "resolveModelConfig", (original) => async (config, ...rest) => {
    let hasGate = false;
    const gate = (value: unknown): unknown => {
      if (!isModel(value)) return value;
      hasGate = true;
      return guardModel(guard, value);
    };
    const gated = isFunction(config)
      ? async (...args: unknown[]) => gate(await Reflect.apply(config, undefined, args))
      : gate(config);
    const model: unknown = await original(gated, ...rest);
    if (hasGate) return model;
    // Never a model without a gate: guardModel throws for what is none.
    return guardModel(guard, isObject(model) ? model : {});
  });
}
