import type { Guard, Run } from "../../src/index.ts";
import { isAbortSignal } from "./gate-function.ts";
import { methodOf } from "../shared/gated-view.ts";
import { protectWhile } from "../shared/protect-while.ts";
import type { Begun } from "../shared/protect-while.ts";
import { stoppable } from "../shared/stoppable-source.ts";

interface WrapOptions {
  readonly params: { readonly abortSignal?: AbortSignal | undefined };
  readonly model: { readonly modelId: string };
}

/**
 * Middleware for `wrapLanguageModel` and `wrapProvider` of the AI SDK 5, 6 and
 * 7, and for `wrapEmbeddingModel` and `wrapImageModel` of 6 and 7.
 */
export interface GuardMiddleware {
  readonly specificationVersion: "v3";
  readonly wrapGenerate: <T>(
    options: WrapOptions & { readonly doGenerate: () => PromiseLike<T> },
  ) => Promise<T>;
  readonly wrapStream: <T>(
    options: WrapOptions & { readonly doStream: () => PromiseLike<T> },
  ) => Promise<T>;
  readonly wrapEmbed: <T>(
    options: WrapOptions & { readonly doEmbed: () => PromiseLike<T> },
  ) => Promise<T>;
}

/**
 * Middleware that asks before every call of the model it wraps. In a list it
 * gates what comes after it: put it last to ask right before the provider, so
 * that a retrying or falling back middleware asks at every attempt.
 *
 * Middleware cannot be seen from outside: a model that is wrapped with it and
 * guarded otherwise asks once for each.
 */
export function guardMiddleware(guard: Guard | Run): GuardMiddleware {
  const gate = <T>(options: WrapOptions, name: string, work: () => PromiseLike<T>): Promise<T> => {
    const { params, model } = options;
    const { abortSignal: callers } = params;
    const run = "stopped" in guard ? guard : guard.run();
    const body = async (abortSignal: AbortSignal): Promise<Begun<T>> => {
      // The same call of the same model, but with the run's signal.
      const operation = methodOf(model, name) as ((params: object) => PromiseLike<T>) | undefined;
      const called = operation === undefined ? work() : operation({ ...params, abortSignal });
      return stoppable(run, await called);
    };
    const boundary = { kind: "model", name: model.modelId } as const;
    return protectWhile(run, boundary, body, isAbortSignal(callers) ? { signal: callers } : {});
  };
  return {
    specificationVersion: "v3",
    wrapGenerate: (options) => gate(options, "doGenerate", options.doGenerate),
    wrapStream: (options) => gate(options, "doStream", options.doStream),
    wrapEmbed: (options) => gate(options, "doEmbed", options.doEmbed),
  };
}
