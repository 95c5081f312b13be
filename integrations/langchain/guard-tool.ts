import { InvalidArgumentError } from "../../src/index.ts";
import type { Guard } from "../../src/index.ts";
import { isRunnable } from "./gate-proxy.ts";
import { gateTool, isTool } from "./gate-tool.ts";
import type { ToolGateOptions } from "./gate-tool.ts";
import { gateRunnable } from "./guard-runnable.ts";

export type { ToolGateOptions as GuardToolOptions } from "./gate-tool.ts";

/**
 * Gates a tool at its body, so that `invoke`, `stream`, `batch`, `call`, `func`
 * and `_call` all pass the gate. Gives back a guarded tool of the same type; the
 * tool itself is left as it was. Guarding twice is the same as guarding once.
 *
 * A call belongs to the run found in its config, or is a run of its own.
 *
 * With `onDeny: "refuse"` every call is a run of its own, and a denial becomes
 * the tool's answer: an error message with `{"reason":"execution_denied", …}`.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID`: nothing of it can be gated
 * @throws {@link ExecutionDeniedError} from the calls: the authority said no
 * @throws {@link AuthorityUnavailableError} from the calls: it gave no decision
 */
export function guardTool<T extends object>(guard: Guard, tool: T, options?: ToolGateOptions): T {
  if (isTool(tool)) return gateTool(guard, tool, options);
  if (isRunnable(tool) && options?.onDeny !== "refuse") return gateRunnable(guard, tool, "tool");
  throw new InvalidArgumentError(
    "OPTION_INVALID",
    "this tool has no body that can be gated; pass a LangChain tool" +
      ' (a runnable that serves as a tool cannot refuse: leave onDeny "stop")',
  );
}

/**
 * {@link guardTool} for each of a list. Tools that the provider of the model
 * runs have no body here and stay as they are: gate the model.
 *
 * @throws as {@link guardTool} does
 */
export function guardTools<const T extends readonly object[]>(
  guard: Guard,
  tools: T,
  options?: ToolGateOptions,
): { -readonly [K in keyof T]: T[K] } {
  const guarded = tools.map((tool) => (hasBody(tool) ? guardTool(guard, tool, options) : tool));
  return guarded as unknown as { -readonly [K in keyof T]: T[K] };
}

/** A description of a tool is data; anything with a function in it could run. */
function hasBody(tool: object): boolean {
  if (typeof tool === "function" || isTool(tool) || isRunnable(tool)) return true;
  if (Object.getPrototypeOf(tool) !== Object.prototype) return true;
  return Object.values(tool).some((member) => typeof member === "function");
}
