import type { Guard, Run } from "../../src/index.ts";
import { isAbortSignal } from "./gate-function.ts";

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
  const gate = <T>({ params, model }: WrapOptions, work: () => PromiseLike<T>): Promise<T> => {
    const { abortSignal: signal } = params;
    const boundary = { kind: "model", name: model.modelId } as const;
    return guard.protect(boundary, work, isAbortSignal(signal) ? { signal } : {});
  };
  return {
    specificationVersion: "v3",
    wrapGenerate: (options) => gate(options, options.doGenerate),
    wrapStream: (options) => gate(options, options.doStream),
    wrapEmbed: (options) => gate(options, options.doEmbed),
  };
}
