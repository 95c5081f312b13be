import { InvalidArgumentError } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";
import { gateCallOptions } from "./call-options.ts";
import { isAbortSignal } from "./gate-function.ts";
import { isObject } from "../shared/gated-view.ts";
import { stopAwareResult } from "./stop-aware.ts";

const guardedCalls = new WeakMap<object, Guard>();

/**
 * A function of the AI SDK with everything wired at once, of the same type:
 *
 * ```ts
 * const { text } = await guardCall(guard, generateText)({ model, tools, prompt });
 * ```
 *
 * Works for every function that takes a `model`: generateText, streamText,
 * generateObject, streamObject, embed, embedMany, generateImage and the like,
 * of versions 5, 6 and 7. Each call is one run: its model calls (also of a model
 * that `prepareStep` switches to) and tool executions ask in it, `abortSignal`
 * ends it, and the first refusal ends the call: its promise, and the promises
 * and streams of its result, reject with the refusal.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID`, when called, if the
 * options name no model object
 */
export function guardCall<F extends (options: never) => unknown>(guard: Guard, call: F): F {
  if (guardedCalls.get(call) === guard) return call;
  const guarded = new Proxy<F>(call, {
    apply(target, receiver, args: unknown[]) {
      const [options] = args;
      if (!isObject(options) || !("model" in options) || options.model == null) {
        throw new InvalidArgumentError(
          "OPTION_INVALID",
          "guardCall found no model in the call's options, so it can gate nothing. For agents, use guardAgent",
        );
      }
      const { abortSignal } = options as { abortSignal?: unknown };
      const run = guard.run(isAbortSignal(abortSignal) ? { signal: abortSignal } : {});
      const gated = gateCallOptions({ owner: guard, run }, options);
      gated["abortSignal"] = run.signal;
      return stopAwareResult(run, Reflect.apply(target, receiver, [gated, ...args.slice(1)]));
    },
    construct() {
      throw new InvalidArgumentError(
        "OPTION_INVALID",
        "guardCall gates functions. For an agent, use guardAgent on what the class makes",
      );
    },
  });
  guardedCalls.set(guarded, guard);
  return guarded;
}
