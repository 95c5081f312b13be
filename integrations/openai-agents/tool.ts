import { InvalidArgumentError } from "../../src/index.ts";
import type { Boundary, Guard, Run } from "../../src/index.ts";
import { gatedView, isFunction, isGuarded, isObject } from "../shared/gated-view.ts";
import { gateLocalTool, isLocalTool } from "./local-tool.ts";
import { protectUntilStopped } from "../shared/protect-while.ts";
import { refusalText } from "../shared/tool-refused-error.ts";
import { currentRun, runOf } from "../shared/run-scope.ts";

/** What a tool does when it may not run. */
export interface GuardToolsOptions {
  /**
   * - `stop`: the refusal is thrown, and the SDK ends its loop with a
   *   `ToolCallError` around it
   * - `refuse`: the model reads a fixed payload in place of a result, and the
   *   conversation goes on, unless the tool runs inside {@link guardRun}: there a
   *   refused run is over, and the call rejects
   *
   * @default "stop"
   */
  readonly onDeny?: "stop" | "refuse" | undefined;
}

/** Whose each gate is, since copies of a tool carry its gate along. */
const gates = new WeakMap<object, Guard | Run>();

/** Tools that {@link guardAgent} made of a guarded agent: everything in them is gated. */
const guardedAgentTools = new WeakSet<object>();

/**
 * A tool that asks before it begins, at the boundary `tool`.
 *
 * A function tool asks whenever it is invoked, whoever does it: a run, a realtime
 * session, or your own code; after the input guardrails and an approval. Local
 * shell, patch and computer tools ask before each command, edit and action. A
 * hosted tool runs at the provider: only the gate of the model sees it. Guarding a
 * tool twice asks once.
 *
 * Given a {@link Guard}, it asks in the run of {@link guardRun} around the call,
 * or else in a run of its own; given a {@link Run}, always in that.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for something that is no
 * tool, or for a tool made of an agent that is not guarded
 */
export function guardTool<T extends object>(
  guard: Guard | Run,
  tool: T,
  options: GuardToolsOptions = {},
): T {
  const type: unknown = isObject(tool) ? Reflect.get(tool, "type") : undefined;
  if (typeof type !== "string") {
    throw new InvalidArgumentError("OPTION_INVALID", "A tool has a type: pass tools one by one");
  }
  if (guardedAgentTools.has(tool) || isGuarded(tool, guard) || hasGate(tool, guard)) return tool;
  if (isLocalTool(type)) return gateLocalTool(guard, tool, type);
  if (type === "function") {
    refuseUnguardedAgent(tool);
    return gateFunctionTool(guard, tool, options.onDeny ?? "stop");
  }
  return gateToolSearch(guard, tool, options);
}

/** Each of a list of tools, gated as by {@link guardTool}. */
export function guardTools<T extends readonly object[]>(
  guard: Guard | Run,
  tools: T,
  options: GuardToolsOptions = {},
): T {
  // A mapped array of the same kinds of tools, in the same order.
  return tools.map((tool) => guardTool(guard, tool, options)) as unknown as T;
}

/** @internal Notes a tool of a guarded agent's. */
export function markAgentTool<T extends object>(tool: T): T {
  guardedAgentTools.add(tool);
  return tool;
}

function gateFunctionTool<T extends object>(
  owner: Guard | Run,
  tool: T,
  onDeny: "stop" | "refuse",
): T {
  const boundary: Boundary = { kind: "tool", name: nameOf(tool) };
  return gatedView(owner, tool, (key, value) => {
    if (key !== "invoke" || !isFunction(value)) return value;
    const invoke = async (context: unknown, input: unknown, given?: object): Promise<unknown> => {
      const details: object = given ?? {};
      const { signal } = details as { readonly signal?: AbortSignal };
      const run = runOf(owner);
      const body = (bodySignal: AbortSignal): unknown => {
        // Inside a guarded run the SDK's own signal aborts with the run.
        const isReached = "stopped" in owner ? false : currentRun(owner) !== undefined;
        if (!isReached) Reflect.set(details, "signal", bodySignal);
        return Reflect.apply(value, tool, [context, input, details]);
      };
      try {
        return await protectUntilStopped(run, boundary, body, { signal });
      } catch (error) {
        // What the tool itself met is its own.
        if (onDeny === "stop" || run.stopped === undefined || error !== run.stopped) throw error;
        return refusalText(run.stopped);
      }
    };
    gates.set(invoke, owner);
    return invoke;
  });
}

function hasGate(tool: object, owner: Guard | Run): boolean {
  const invoke: unknown = Reflect.get(tool, "invoke");
  return isFunction(invoke) && gates.get(invoke) === owner;
}

/**
 * A tool search that runs here finds tools that no list of the agent's names;
 * whatever it returns is gated.
 */
function gateToolSearch<T extends object>(
  owner: Guard | Run,
  tool: T,
  options: GuardToolsOptions,
): T {
  const boundary: Boundary = { kind: "tool", name: nameOf(tool) };
  return gatedView(owner, tool, (key, value) => {
    if (typeof key !== "symbol" || !isFunction(value)) return value;
    return async (...args: unknown[]): Promise<unknown> => {
      const found: unknown = await protectUntilStopped(runOf(owner), boundary, () =>
        Reflect.apply(value, tool, args),
      );
      return guardFound(owner, found, options);
    };
  });
}

function guardFound(owner: Guard | Run, found: unknown, options: GuardToolsOptions): unknown {
  if (Array.isArray(found)) return found.map((each: unknown) => guardFound(owner, each, options));
  const isTool = isObject(found) && typeof Reflect.get(found, "type") === "string";
  return isTool ? guardTool(owner, found, options) : found;
}

/** `Agent.asTool()` makes function tools that also have `on`, and keep their agent to themselves. */
function refuseUnguardedAgent(tool: object): void {
  if (!Object.hasOwn(tool, "on")) return;
  const name = nameOf(tool);
  throw new InvalidArgumentError(
    "OPTION_INVALID",
    `The tool ${JSON.stringify(name)} runs an agent that no gate can reach. Guard that agent first: guardAgent(guard, agent).asTool(…)`,
  );
}

export function nameOf(thing: object): string | undefined {
  const name: unknown = Reflect.get(thing, "name");
  return typeof name === "string" ? name : undefined;
}
