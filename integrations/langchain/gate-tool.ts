import { ToolMessage } from "@langchain/core/messages";
import { denialPayload, findExecutionStopped } from "../../src/index.ts";
import type { ExecutionStoppedError, Guard, Run } from "../../src/index.ts";
import { findRun, scopeWith } from "./find-run.ts";
import type { ManagerLike } from "./find-run.ts";
import { isGuarded, markGuarded } from "./guarded-objects.ts";
import { carryRun } from "./run-config.ts";
import type { ConfigLike } from "./run-scope.ts";

export interface ToolGateOptions {
  /**
   * What a denial does.
   * - `stop`: it is thrown, and the run is stopped.
   * - `refuse`: the model gets a fixed payload as the tool's error message, and
   *   the run goes on. The tool does not run.
   *
   * @default "stop"
   */
  readonly onDeny?: "stop" | "refuse" | undefined;
}

type Body = (
  input: unknown,
  manager?: ManagerLike,
  config?: ToolConfig,
  ...rest: unknown[]
) => unknown;

type ToolConfig = ConfigLike & { readonly toolCall?: { readonly id?: string } };

/** Where the body of a tool is, whatever way it is called. */
const BODIES: ReadonlySet<PropertyKey> = new Set(["func", "_call"]);

/** A tool with a body in this process: LangChain's own classes and everything derived from them. */
export const isTool = (value: object): boolean =>
  typeof Reflect.get(value, "_call") === "function" &&
  typeof Reflect.get(value, "invoke") === "function" &&
  "schema" in value;

/**
 * Gates the body of a tool, so that no way of calling it goes round the gate.
 *
 * @param own the run that its calls belong to, instead of the one that they find
 */
export function gateTool<T extends object>(
  guard: Guard,
  tool: T,
  options: ToolGateOptions = {},
  own?: Run,
): T {
  if (isGuarded(tool, guard)) return tool;
  // `this` is the gate for every method, so that what they call is gated, and
  // the tool itself for the body, so that the body may use private members.
  const proxy: T = new Proxy(tool, {
    get: (target, property) => {
      const member: unknown = Reflect.get(target, property, target);
      const gate = (body: unknown): unknown =>
        typeof body === "function" ? gateBody({ guard, own }, target, body as Body, options) : body;
      if (BODIES.has(property)) return gate(member);
      // What a copy of the tool would be made from.
      if (property !== "lc_kwargs" || typeof member !== "object" || member === null) return member;
      return "func" in member ? { ...member, func: gate(member.func) } : member;
    },
  });
  return markGuarded(proxy, guard, tool);
}

interface Owner {
  readonly guard: Guard;
  readonly own: Run | undefined;
}

function gateBody(
  { guard, own }: Owner,
  tool: object,
  body: Body,
  { onDeny }: ToolGateOptions,
): Body {
  return async (input, manager, config, ...rest) => {
    const inherited = onDeny === "refuse" ? undefined : findRun(guard, config, manager);
    const run = own ?? inherited ?? guard.run();
    try {
      return await run.protect(
        { kind: "tool", name: nameOf(tool) },
        async (signal) => {
          const carried = carryRun(config, scopeWith(guard, run, config), signal);
          const output = body.call(tool, input, manager, carried, ...rest);
          return follow(await output, signal);
        },
        { signal: config?.signal },
      );
    } catch (error) {
      const denial = findExecutionStopped(error);
      if (onDeny !== "refuse" || denial === undefined || denial !== run.stopped) throw error;
      return refusal(tool, denial, config?.toolCall?.id);
    }
  };
}

/** A tool that is a generator has not begun when its body returns: each step is a beginning. */
function follow(output: unknown, signal: AbortSignal): unknown {
  if (!isAsyncGenerator(output)) return output;
  return (async function* steps() {
    try {
      for (;;) {
        signal.throwIfAborted();
        const next = await output.next();
        if (next.done === true) return next.value;
        yield next.value;
      }
    } finally {
      await output.return(undefined);
    }
  })();
}

/** All that the model learns, in the form that the tool's callers expect of it. */
function refusal(tool: object, error: ExecutionStoppedError, toolCallId?: string): unknown {
  const content = JSON.stringify(denialPayload(error));
  const output =
    toolCallId === undefined
      ? content
      : new ToolMessage({
          content,
          tool_call_id: toolCallId,
          name: nameOf(tool) ?? "",
          status: "error",
        });
  const isPair = Reflect.get(tool, "responseFormat") === "content_and_artifact";
  return isPair ? [output, undefined] : output;
}

function nameOf(tool: object): string | undefined {
  const name: unknown = Reflect.get(tool, "name");
  return typeof name === "string" ? name : undefined;
}

const isAsyncGenerator = (value: unknown): value is AsyncGenerator =>
  typeof value === "object" &&
  value !== null &&
  Symbol.asyncIterator in value &&
  "next" in value &&
  typeof value.next === "function";
