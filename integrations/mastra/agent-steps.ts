import type { Guard } from "../../src/index.ts";
import type { GateTools } from "./agent-tools.ts";
import { gatedView, isFunction, isGuarded, isObject, methodOf } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import { replaceMethod } from "./replace-method.ts";

/** Gates what a call's options bring along. */
export type GateOptions = (options: object) => object;

/**
 * Gates the models and tools that come in at a step: from `prepareStep`, from an
 * input processor, and for the structuring of the output.
 */
export function gateSteps(guard: Guard, agent: object, gateTools: GateTools): GateOptions {
  const resolve = (modelConfig: unknown): unknown => methodOf(agent, "getModel")?.({ modelConfig });
  const gateStep =
    (step: AnyFunction, receiver: object | undefined): AnyFunction =>
    async (...args: unknown[]): Promise<unknown> => {
      const result: unknown = await Reflect.apply(step, receiver, args);
      if (!isObject(result) || Array.isArray(result)) return result;
      const model: unknown = Reflect.get(result, "model");
      const tools: unknown = Reflect.get(result, "tools");
      // Anything else, such as a list of messages, stays the very thing it is.
      if (model === undefined && tools === undefined) return result;
      return {
        ...result,
        ...(model === undefined ? {} : { model: await resolve(model) }),
        ...(tools === undefined ? {} : { tools: gateTools(tools) }),
      };
    };
  const gateProcessor = (processor: unknown): unknown => {
    if (!isObject(processor) || isGuarded(processor, guard)) return processor;
    const step: unknown = Reflect.get(processor, "processInputStep");
    if (!isFunction(step)) return processor;
    return gatedView(guard, processor, (key, value) => {
      if (key === "processInputStep" && isFunction(value)) return gateStep(value, processor);
      const isMethod = isFunction(value) && key !== "constructor" && !Object.hasOwn(processor, key);
      return isMethod ? value.bind(processor) : value;
    });
  };
  const gateProcessors = (processors: unknown): unknown =>
    Array.isArray(processors) ? processors.map(gateProcessor) : processors;
  for (const name of ["listConfiguredInputProcessors", "listResolvedInputProcessors"]) {
    replaceMethod(
      agent,
      name,
      (original) =>
        async (requestContext, overrides, ...rest) =>
          gateProcessors(await original(requestContext, gateProcessors(overrides), ...rest)),
    );
  }
  replaceMethod(
    agent,
    "combineProcessorsIntoWorkflow",
    (original) =>
      (processors, ...rest) =>
        original(gateProcessors(processors), ...rest),
  );
  const gateOptions: GateOptions = (options) => {
    const { prepareStep, structuredOutput, inputProcessors } = options as Readonly<
      Record<string, unknown>
    >;
    const structuring: unknown = isObject(structuredOutput)
      ? Reflect.get(structuredOutput, "model")
      : undefined;
    return {
      ...options,
      ...(isFunction(prepareStep) ? { prepareStep: gateStep(prepareStep, undefined) } : {}),
      ...(Array.isArray(inputProcessors)
        ? { inputProcessors: gateProcessors(inputProcessors) }
        : {}),
      ...(isObject(structuredOutput) && structuring !== undefined
        ? // The agent that structures is one that Mastra makes inside.
          { structuredOutput: { ...structuredOutput, model: () => resolve(structuring) } }
        : {}),
    };
  };
  replaceMethod(agent, "getDefaultOptions", (original) => async (...args) => {
    const options: unknown = await original(...args);
    return isObject(options) ? gateOptions(options) : options;
  });
  return gateOptions;
}
