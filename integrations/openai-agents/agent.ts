import type { Agent } from "@openai/agents";
import { InvalidArgumentError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { gatedView, isFunction, isGuarded, isObject, methodOf } from "../shared/gated-view.ts";
import { guardModel, guardModelProvider, isModel } from "./model.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { runOf } from "../shared/run-scope.ts";
import { guardTool, guardTools, markAgentTool, nameOf } from "./tool.ts";
import type { GuardToolsOptions } from "./tool.ts";

export type GuardAgentOptions = GuardToolsOptions;

/** How an agent is gated. */
interface Gate {
  readonly owner: Guard | Run;
  readonly options: GuardAgentOptions;
  /** The runner's model provider is gated, so a model that is named by its id need not be. */
  readonly hasGatedProvider: boolean;
}

/** One view for each agent, so that it stays the same agent for the SDK. */
const views = new WeakMap<object, WeakMap<object, Map<string, object>>>();
const bindings = new WeakMap<object, { readonly gate: Gate; readonly agent: object }>();

/**
 * An agent whose model calls, tools and handoffs ask first: its own tools, those
 * of its MCP servers, those that a sandbox or a tool search adds, and the agents
 * that it hands off to, with theirs. Guarding an agent twice asks once.
 *
 * A model that is named by its id asks when the SDK reads the agent's
 * instructions for a call; retries of the SDK do not ask again unless the
 * provider is gated, as {@link guardRun} does.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for something that is no agent
 */
export function guardAgent<A extends object>(
  guard: Guard | Run,
  agent: A,
  options: GuardAgentOptions = {},
): A {
  return bindAgent({ owner: guard, options, hasGatedProvider: false }, agent);
}

/** @internal {@link guardAgent} for a runner that looks models up at a gated provider. */
export function bindAgent<A extends object>(gate: Gate, agent: A): A {
  if (!isAgent(agent)) {
    throw new InvalidArgumentError("OPTION_INVALID", "What was given as an agent is no Agent");
  }
  const bound = bindings.get(agent);
  if (bound?.gate.owner === gate.owner) {
    const isBetter = gate.hasGatedProvider && !bound.gate.hasGatedProvider;
    // What is bound is the agent itself, behind another view.
    return isBetter
      ? bindAgent({ ...bound.gate, hasGatedProvider: true }, bound.agent as A)
      : agent;
  }
  if (isGuarded(agent, gate.owner)) return agent;
  const ofAgent = entry(
    entry(views, gate.owner, () => new WeakMap()),
    agent,
    () => new Map(),
  );
  const key = `${gate.options.onDeny ?? "stop"} ${gate.hasGatedProvider}`;
  const view = ofAgent.get(key) ?? viewOf(gate, agent);
  ofAgent.set(key, view);
  bindings.set(view, { gate, agent });
  // The map holds views of this very agent.
  return view as A;
}

function viewOf<A extends object>(gate: Gate, agent: A): A {
  const { owner, options } = gate;
  const bind = (value: unknown): unknown =>
    isAgent(value) ? bindAgent(gate, value) : gateHandoff(gate, value);
  const view: A = gatedView(owner, agent, (key, value) => {
    switch (key) {
      case "model":
        return isModel(value) ? guardModel(owner, value) : value;
      case "tools":
        return Array.isArray(value) ? guardTools(owner, value, options) : value;
      case "handoffs":
        return Array.isArray(value) ? value.map(bind) : value;
      case "getAllTools":
      case "getMcpTools":
        return async (...args: unknown[]): Promise<unknown> => {
          const tools: unknown = await methodOf(agent, key)?.(...args);
          return listOf(tools, key).map((tool) => guardTool(owner, tool, options));
        };
      case "getEnabledHandoffs":
        return async (...args: unknown[]): Promise<unknown> =>
          listOf(await methodOf(agent, key)?.(...args), key).map(bind);
      case "getSystemPrompt":
        return (...args: unknown[]): unknown => {
          const read = (): unknown => methodOf(agent, key)?.(...args);
          if (gate.hasGatedProvider || typeof Reflect.get(agent, "model") !== "string")
            return read();
          return askForModel(owner, agent, read);
        };
      case "clone":
        return (...args: unknown[]): unknown => bind(methodOf(agent, key)?.(...args));
      case "asTool":
        return (toolOptions: object): unknown => {
          // The tool runs its receiver: the guarded agent.
          const made: unknown = isFunction(value)
            ? Reflect.apply(value, view, [gateRunConfig(owner, toolOptions)])
            : undefined;
          return isObject(made) ? markAgentTool(made) : made;
        };
      default:
        return isFunction(value) && !Object.hasOwn(agent, key) && key !== "constructor"
          ? value.bind(agent)
          : value;
    }
  });
  return view;
}

/** What an agent is told is read once for each call of its model, just before. */
async function askForModel(
  owner: Guard | Run,
  agent: object,
  read: () => unknown,
): Promise<unknown> {
  const model: unknown = Reflect.get(agent, "model");
  const name = typeof model === "string" && model !== "" ? model : undefined;
  const prompt = await read();
  await runOf(owner).check({ kind: "model", name });
  return prompt;
}

/** A handoff that asks, at the boundary `tool`, and leads to a guarded agent. */
function gateHandoff(gate: Gate, handoff: unknown): unknown {
  if (!isObject(handoff) || isGuarded(handoff, gate.owner)) return handoff;
  const toolName: unknown = Reflect.get(handoff, "toolName");
  const name = typeof toolName === "string" ? toolName : undefined;
  const boundary: Boundary = { kind: "tool", name };
  return gatedView(gate.owner, handoff, (key, value) => {
    if (key === "agent" && isAgent(value)) return bindAgent(gate, value);
    if (key === "clone" && isFunction(value)) {
      return (...args: unknown[]) => gateHandoff(gate, Reflect.apply(value, handoff, args));
    }
    if (key !== "onInvokeHandoff" || !isFunction(value)) return value;
    return async (...args: unknown[]): Promise<unknown> => {
      const next: unknown = await protectUntilStopped(runOf(gate.owner), boundary, () =>
        Reflect.apply(value, handoff, args),
      );
      return isAgent(next) ? bindAgent(gate, next) : next;
    };
  });
}

/** An agent used as a tool runs in a runner of its own, with its own model or provider. */
function gateRunConfig(owner: Guard | Run, toolOptions: object): object {
  const runConfig: unknown = Reflect.get(toolOptions, "runConfig");
  return isObject(runConfig)
    ? { ...toolOptions, runConfig: gateModelsOf(owner, runConfig) }
    : toolOptions;
}

/** @internal A runner's config, with its model and its model provider gated. */
export function gateModelsOf<C extends object>(owner: Guard | Run, config: C): C {
  const model: unknown = Reflect.get(config, "model");
  const provider: unknown = Reflect.get(config, "modelProvider");
  return {
    ...config,
    ...(isModel(model) ? { model: guardModel(owner, model) } : {}),
    ...(isProvider(provider) ? { modelProvider: guardModelProvider(owner, provider) } : {}),
  };
}

const isProvider = (value: unknown): value is Parameters<typeof guardModelProvider>[1] =>
  isObject(value) && isFunction(Reflect.get(value, "getModel"));

/** By shape: an application may have more than one copy of the SDK. */
export function isAgent(value: unknown): value is Agent {
  return (
    isObject(value) &&
    nameOf(value) !== undefined &&
    ["getAllTools", "getEnabledHandoffs", "getSystemPrompt"].every((name) =>
      isFunction(Reflect.get(value, name)),
    )
  );
}

/** What an agent gave as a list; anything else cannot be gated, so nothing begins. */
function listOf(value: unknown, source: string): readonly object[] {
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw new InvalidArgumentError("OPTION_INVALID", `${source}() of the agent gave no list`);
}

function entry<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
