import { InvalidArgumentError } from "../../src/index.ts";
import type { Boundary, Guard, Run, Work } from "../../src/index.ts";
import { gatedView, isFunction, isGuarded, isObject } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";
import { signalOf } from "./model.ts";
import { protectUntilStopped, protectWhile } from "../shared/protect-while.ts";
import type { Begun } from "../shared/protect-while.ts";
import { ToolRefusedError } from "../shared/tool-refused-error.ts";
import { runOf } from "../shared/run-scope.ts";

export interface GuardToolOptions {
  /** The tool's name, for events and errors. @default the tool's `id` */
  readonly name?: string | undefined;
}

/**
 * A tool that asks before its `execute` is entered, at the boundary `tool`,
 * whoever calls it: an agent, a workflow, an MCP server, or the application. A
 * tool without `execute` stays as it is: it runs at the client or the provider.
 * Guarding a tool twice asks once.
 *
 * When there is no allow, `execute` throws a {@link ToolRefusedError}. Mastra
 * makes that the tool's result and goes on; inside a guarded agent the run is
 * over, and the agent's call rejects.
 *
 * Given a {@link Guard}, it asks in the run of the guarded agent around the call,
 * or else in a run of its own; given a {@link Run}, always in that.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` when `tool` is no object
 */
export function guardTool<T extends object>(
  guard: Guard | Run,
  tool: T,
  options: GuardToolOptions = {},
): T {
  if (!isObject(tool)) {
    throw new InvalidArgumentError("OPTION_INVALID", "A tool must be an object");
  }
  if (isGuarded(tool, guard)) return tool;
  const id: unknown = Reflect.get(tool, "id");
  const name = options.name ?? (typeof id === "string" ? id : undefined);
  return gatedView(guard, tool, (key, value) => {
    if (!isFunction(value)) return value;
    if (key === "execute") {
      const boundary = { kind: "tool", name } as const;
      return gateExecute(guard, boundary, ([input, context, ...rest], abortSignal) =>
        Reflect.apply(value, tool, [input, { ...Object(context), abortSignal }, ...rest]),
      );
    }
    return Object.hasOwn(tool, key) || key === "constructor" ? value : value.bind(tool);
  });
}

/**
 * A set of tools, each gated as by {@link guardTool} under its own name.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` when `tools` is no object
 */
export function guardTools<T extends object>(guard: Guard | Run, tools: T): T {
  if (!isObject(tools)) {
    throw new InvalidArgumentError("OPTION_INVALID", "A set of tools must be an object");
  }
  if (isGuarded(tools, guard)) return tools;
  return gatedView(guard, tools, (key, tool) =>
    isObject(tool) && Object.hasOwn(tools, key)
      ? guardTool(guard, tool, { name: String(key) })
      : tool,
  );
}

/** A function that asks, and then does what `begin` does with its arguments. */
function gateExecute(
  owner: Guard | Run,
  boundary: Boundary,
  begin: (args: unknown[], signal: AbortSignal) => unknown,
): AnyFunction {
  return async (...args: unknown[]): Promise<unknown> => {
    const run = runOf(owner);
    const body: Work<unknown> = (signal) => begin(args, signal);
    const asked = protectUntilStopped(run, boundary, body, { signal: signalOf(args[1]) });
    return orRefused(run, asked);
  };
}

/** @internal The same for work that gives something and goes on behind it. */
export function gateBegun(
  owner: Guard | Run,
  boundary: Boundary,
  begin: (args: unknown[], run: Run) => Promise<Begun<unknown>>,
): AnyFunction {
  return async (...args: unknown[]): Promise<unknown> => {
    const run = runOf(owner);
    return orRefused(
      run,
      protectWhile(run, boundary, () => begin(args, run)),
    );
  };
}

async function orRefused(run: Run, work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    // What the body itself met, under another guard, is its own.
    if (run.stopped === undefined || error !== run.stopped) throw error;
    throw new ToolRefusedError(run.stopped);
  }
}
