import { InvalidArgumentError } from "../../src/index.ts";
import type { Guard, Run } from "../../src/index.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import { gateCallOptions, gateOption } from "./call-options.ts";
import type { CallOptions } from "./call-options.ts";
import { isAbortSignal } from "./gate-function.ts";
import type { Binding } from "./gate-function.ts";
import { stopAwareResult } from "./stop-aware.ts";
import { gateSuper, gateTurnOptions } from "./super-gate.ts";

interface GuardedAgent {
  readonly agent: object;
  /** Whose gates it has, the one that asks last first. */
  readonly guards: readonly Guard[];
}

const guardedAgents = new WeakMap<object, GuardedAgent>();

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
  const known = guardedAgents.get(agent);
  if (known?.guards.includes(guard)) return agent;
  // One view with the gates of all guards: through a view of a view, the inner
  // one would not see what the outer one gates for a turn.
  const original = (known?.agent ?? agent) as A;
  const guards = [...(known?.guards ?? []), guard];
  const settings = gateSettings(
    guards.map((owner) => ({ owner, run: undefined })),
    original,
  );
  refuseBoundMethods(original);
  if (!hasPrepareCall(original)) gateSuper(original);
  const guarded = gatedView(
    guard,
    original,
    (key, value) => {
      if (key === "settings") return settings();
      if (key === "tools") return Reflect.get(settings(), "tools");
      const isTurn = (key === "generate" || key === "stream") && isFunction(value);
      // Any other method is called on the gated agent, and so calls the gated ones.
      return isTurn ? gateTurn(guards, original, value) : value;
    },
    { accessorsOn: "view" },
  );
  guardedAgents.set(guarded, { agent: original, guards });
  return guarded;
}

function gateTurn(guards: readonly Guard[], agent: object, method: AnyFunction): AnyFunction {
  return (...[options, ...others]: unknown[]): unknown => {
    let gated: CallOptions = { ...(isObject(options) ? options : {}) };
    const bindings: { readonly owner: Guard; readonly run: Run }[] = [];
    for (const owner of guards.toReversed()) {
      const { abortSignal: signal } = gated;
      const run = owner.run(isAbortSignal(signal) ? { signal } : {});
      bindings.push({ owner, run });
      gated["abortSignal"] = run.signal;
    }
    bindings.reverse();
    const gateAll = (given: object): CallOptions =>
      bindings.reduce<CallOptions>((all, one) => gateCallOptions(one, all), { ...given });
    gated = gateAll(gated);
    const settings = gateSettings(bindings, agent);
    // The same agent, but for this turn its settings are gated in these runs.
    const turn = gatedView(
      bindings,
      agent,
      (key, value) => {
        if (key === "settings") return settings();
        if (key === "tools") return Reflect.get(settings(), "tools");
        if (key !== "prepareCall" || !isFunction(value)) return value;
        // Versions 6 and 7 take from here what the call is made with.
        return async (...args: unknown[]): Promise<unknown> => {
          const prepared: unknown = await Reflect.apply(value, turn, args);
          return isObject(prepared) ? gateAll(prepared) : prepared;
        };
      },
      { accessorsOn: "view" },
    );
    gateTurnOptions(turn, (handed) => ({ abortSignal: gated["abortSignal"], ...gateAll(handed) }));
    const result: unknown = Reflect.apply(method, turn, [gated, ...others]);
    return bindings.reduce((inner, { run }) => stopAwareResult(run, inner), result);
  };
}

/** The settings that the agent has when they are asked for, behind each gate. */
function gateSettings(bindings: readonly Binding[], agent: object): () => object {
  const gated = new WeakMap<object, object>();
  const settings = (): object => {
    const given = settingsOf(agent);
    const seen =
      gated.get(given) ??
      bindings.reduce(
        (all, binding) =>
          gatedView(binding.owner, all, (key, value) => gateSetting(binding, key, value)),
        given,
      );
    gated.set(given, seen);
    return seen;
  };
  // A model id is refused now, not in the first turn.
  Reflect.get(settings(), "model");
  return settings;
}

function settingsOf(agent: object): object {
  const settings: unknown = Reflect.get(agent, "settings");
  if (isObject(settings) && "model" in settings) return settings;
  throw new InvalidArgumentError(
    "OPTION_INVALID",
    "guardAgent knows ToolLoopAgent and Experimental_Agent of the AI SDK, and this agent is neither. Gate the calls it is made of with guardCall",
  );
}

function gateSetting(binding: Binding, key: PropertyKey, value: unknown): unknown {
  return key === "prepareCall" && isFunction(value)
    ? gatePrepareCall(binding, value)
    : gateOption(binding, key, value);
}

/** Versions 6 and 7 prepare each call in a method of the agent, where it is gated. */
const hasPrepareCall = (agent: object): boolean => isFunction(Reflect.get(agent, "prepareCall"));

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
    const [given] = args;
    // What answers with nothing may have changed what it was given, which the SDK then takes.
    const prepared: unknown = (await Reflect.apply(prepareCall, this, args)) ?? given;
    return isObject(prepared) ? gateCallOptions(binding, prepared) : prepared;
  };
}
