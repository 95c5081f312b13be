import { InvalidArgumentError } from "../../src/index.ts";
import type { ExecutionStoppedError, Guard, Run } from "../../src/index.ts";
import { bindingOf, gateFunction } from "./gate-function.ts";
import type { Binding } from "./gate-function.ts";
import { noteGate, regateBelow } from "./gate-order.ts";
import { gateNeedsApproval } from "./tool-approval.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import { ToolRefusedError } from "../shared/tool-refused-error.ts";

/** What a tool does when it may not run. */
export interface GuardToolsOptions {
  /**
   * - `stop`: throws the refusal; a run is aborted with it, which ends the
   *   SDK's loop when the call's `abortSignal` is the run's signal
   * - `refuse`: throws a {@link ToolRefusedError}: the model reads a fixed
   *   payload in place of a result, and the conversation goes on
   *
   * @default "stop"
   */
  readonly onDeny?: "stop" | "refuse" | undefined;
}

export interface GuardToolOptions extends GuardToolsOptions {
  /** The tool's name, for events and errors. */
  readonly name?: string | undefined;
}

/** A search function that a tool made with `toolSearch` of version 7 brings along. */
const TOOL_SEARCH = Symbol.for("vercel.ai.toolSearch.search");

/**
 * A tool that asks before its `execute` is entered, at the boundary `tool`:
 * plain, generator and dynamic tools of the AI SDK 5, 6 and 7. A tool without
 * `execute` (run by the client or by the provider) stays as it is: only a gate
 * on the model sees it. Guarding a tool twice asks once.
 *
 * Given a {@link Guard}, every execution is a run of its own; given a
 * {@link Run}, they share its latch and see its signal.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` when `tool` is no object
 */
export function guardTool<T extends object>(
  guard: Guard | Run,
  tool: T,
  options: GuardToolOptions = {},
): T {
  return bindTool(bindingOf(guard), tool, options);
}

/**
 * A set of tools, each gated as by {@link guardTool} under its own name. A tool
 * that is added to the set later is gated too.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` when `tools` is no object
 */
export function guardTools<T extends Record<string, object>>(
  guard: Guard | Run,
  tools: T,
  options: GuardToolsOptions = {},
): T {
  return bindTools(bindingOf(guard), tools, options);
}

/** @internal */
export function bindTools<T extends object>(
  binding: Binding,
  tools: T,
  options: GuardToolsOptions = {},
): T {
  if (!isObject(tools)) refuseTool("A set of tools");
  // Version 5 finds inherited tools too. What is a function there is no tool, unless it can run.
  return gatedView(binding.owner, tools, (key, tool) =>
    isObject(tool) && (typeof tool === "object" || "execute" in tool)
      ? bindTool(binding, tool, { ...options, name: String(key) })
      : tool,
  );
}

/** @internal */
export function bindTool<T extends object>(
  binding: Binding,
  tool: T,
  options: GuardToolOptions = {},
): T {
  if (!isObject(tool)) refuseTool("A tool");
  const below = regateBelow(binding, tool, (inner) => bindTool(binding, inner, options));
  if (below !== undefined) return below as T;
  const refusal = options.onDeny === "refuse" ? asToolError : undefined;
  const boundary = { kind: "tool", name: options.name } as const;
  const gated = gatedView(binding.owner, tool, (key, value, receiver) => {
    if (key === "execute" || key === TOOL_SEARCH) {
      return isFunction(value)
        ? gateFunction({ binding, boundary, body: value, receiver, optionsAt: 1, refusal })
        : value;
    }
    if (key === "needsApproval" && isFunction(value) && refusal === undefined) {
      return gateNeedsApproval(binding, value, receiver, options.name);
    }
    if (key === "experimental_toolCaller" && isObject(value)) {
      return gateToolCaller(binding, value, options);
    }
    // A method of a class may reach for private fields, which only the tool itself has.
    const isMethod = isFunction(value) && key !== "constructor" && !Object.hasOwn(tool, key);
    return isMethod ? value.bind(receiver) : value;
  });
  const onTopOf = (other: object): object => bindTool(binding, other, options);
  return noteGate(gated, { owner: binding.owner, below: tool, onTopOf });
}

/** The tool that a tool caller of version 7 makes of itself for each step is gated like it. */
function gateToolCaller(binding: Binding, caller: object, options: GuardToolOptions): object {
  return gatedView(binding.owner, caller, (key, value) =>
    key === "bind" && isFunction(value)
      ? (...args: unknown[]): unknown => {
          const bound: unknown = Reflect.apply(value, caller, args);
          return isObject(bound) ? bindTool(binding, bound, options) : bound;
        }
      : value,
  );
}

const asToolError = (stopped: ExecutionStoppedError): Error => new ToolRefusedError(stopped);

function refuseTool(what: string): never {
  throw new InvalidArgumentError("OPTION_INVALID", `${what} must be an object`);
}
