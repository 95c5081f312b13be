import { InvalidArgumentError } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";
import { gateCallOptions } from "./call-options.ts";
import type { CallOptions } from "./call-options.ts";
import { isAbortSignal } from "./gate-function.ts";
import type { AnyFunction, Binding } from "./gate-function.ts";
import { gatedView, isObject } from "./gated-view.ts";
import { isFunction } from "./model.ts";
import { stopAwareResult } from "./stop-aware.ts";

const guardedAgents = new WeakMap<object, Guard>();

/**
 * An agent whose every `generate` and `stream` is gated as by `guardCall`, one
 * run each: `ToolLoopAgent` of the AI SDK 6 and 7, `Experimental_Agent` of 5,
 * and classes that extend them. What `prepareCall`, `prepareStep` or a call's
 * own options put in place of the model or the tools is gated too.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for an agent of another
 * kind, or whose model is given by its id
 */
export function guardAgent<A extends object>(guard: Guard, agent: A): A {
  if (guardedAgents.get(agent) === guard) return agent;
  const outsideARun: Binding = { owner: guard, run: undefined };
  gateSettings(outsideARun, agent);
  refuseBoundMethods(agent);
  const guarded = gatedView(agent, (key, value) => {
    if (key === "settings") return gateSettings(outsideARun, agent);
    if (key === "tools") return gateSettings(outsideARun, agent)["tools"];
    if (!isFunction(value)) return value;
    // Any other method is called on the gated agent, and so calls the gated ones.
    return key === "generate" || key === "stream" ? gateTurn(guard, agent, value) : value;
  });
  guardedAgents.set(guarded, guard);
  return guarded;
}

function gateTurn(guard: Guard, agent: object, method: AnyFunction): AnyFunction {
  return (...[options, ...others]: unknown[]): unknown => {
    const given = isObject(options) ? options : {};
    const callersSignal: unknown = Reflect.get(given, "abortSignal");
    const run = guard.run(isAbortSignal(callersSignal) ? { signal: callersSignal } : {});
    const binding: Binding = { owner: guard, run };
    const gated = gateCallOptions(binding, given);
    gated["abortSignal"] = run.signal;
    // The same agent, but for this turn its settings are gated in this run.
    const turn: object = Object.create(agent, {
      settings: { value: gateSettings(binding, agent) },
    });
    return stopAwareResult(run, Reflect.apply(method, turn, [gated, ...others]));
  };
}

function gateSettings(binding: Binding, agent: object): CallOptions {
  const settings: unknown = Reflect.get(agent, "settings");
  if (!isObject(settings) || !("model" in settings)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      "guardAgent knows ToolLoopAgent and Experimental_Agent of the AI SDK, and this agent is neither. Gate the calls it is made of with guardCall",
    );
  }
  const gated = gateCallOptions(binding, settings);
  const { prepareCall } = gated;
  if (isFunction(prepareCall)) gated["prepareCall"] = gatePrepareCall(binding, prepareCall);
  return gated;
}

/** A function that an agent carries itself may hold on to the agent without its gate. */
function refuseBoundMethods(agent: object): void {
  for (const key of Reflect.ownKeys(agent)) {
    if (!isFunction(Reflect.get(agent, key))) continue;
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      `The agent's own property ${String(key)} is a function, which could pass by the gate. Make it a method of the class`,
    );
  }
}

function gatePrepareCall(binding: Binding, prepareCall: AnyFunction): AnyFunction {
  return async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    binding.run?.signal.throwIfAborted();
    const prepared: unknown = await Reflect.apply(prepareCall, this, args);
    return isObject(prepared) ? gateCallOptions(binding, prepared) : prepared;
  };
}
