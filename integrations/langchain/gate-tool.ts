import { ToolMessage } from "@langchain/core/messages";
import { denialPayload, findExecutionStopped, InvalidArgumentError } from "../../src/index.ts";
import type { ExecutionStoppedError, Guard, Run } from "../../src/index.ts";
import { protectWhile } from "../shared/protect-while.ts";
import type { Begun } from "../shared/protect-while.ts";
import { StoppableSource } from "../shared/stoppable-source.ts";
import { findRun, scopeWith } from "./find-run.ts";
import type { ManagerLike } from "./find-run.ts";
import { DynamicStructuredTool, DynamicTool, StructuredTool, Tool } from "@langchain/core/tools";
import { gatedPrototypeOf } from "./gate-clone.ts";
import { ENTRIES } from "./gate-entries.ts";
import { descriptorAsRead } from "./gate-proxy.ts";
import { isGuarded, markGuarded, originalOf, selfOf } from "./guarded-objects.ts";
import { carryRun } from "./run-config.ts";
import { watchFunction } from "./given-up.ts";
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

type Body = (...args: unknown[]) => unknown;

type ToolConfig = ConfigLike & { readonly toolCall?: { readonly id?: string } };

/** Where the body of a tool is, whatever way it is called. */
const BODIES: ReadonlySet<PropertyKey> = new Set(["func", "_call"]);

/** Ways in that answer as the body does, so that a denial there can be an answer too. */
const CALLS: ReadonlySet<PropertyKey> = new Set(["invoke", "call"]);

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
  const isOwn = ownEntriesOf(originalOf(tool));
  if (
    options.onDeny === "refuse" &&
    [...ENTRIES.keys()].some((name) => isStreamed(name) && isOwn(name))
  ) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      'a tool that streams or batches in a way of its own cannot refuse: leave onDeny "stop"',
    );
  }
  // `this` is the gate for every method, so that what they call is gated, and
  // the tool itself for the body, so that the body may use private members.
  const proxy: T = new Proxy(tool, {
    getPrototypeOf: gatedPrototypeOf(tool, (clone) => gateTool(guard, clone, options, own)),
    getOwnPropertyDescriptor: (target, property) =>
      descriptorAsRead(target, property, () => Reflect.get(proxy, property)),
    get: (target, property, receiver: object) => {
      const member: unknown = Reflect.get(target, property, target);
      const gate = (body: unknown): unknown =>
        typeof body === "function"
          ? gateBody({ guard, own, tool: target }, target, body as Body, options)
          : body;
      if (BODIES.has(property)) return gate(member);
      if (typeof member === "function" && isOwn(property)) {
        return gateOwn({ guard, own, tool: target }, receiver, property, member as Body, options);
      }
      // What a copy of the tool would be made from.
      if (property !== "lc_kwargs" || typeof member !== "object" || member === null) return member;
      return "func" in member ? { ...member, func: gate(member.func) } : member;
    },
  });
  return markGuarded(proxy, guard, tool);
}

/** LangChain's own `call` of these leads to the body. */
const KNOWN_CALLS: ReadonlySet<unknown> = new Set(
  [StructuredTool, Tool, DynamicTool, DynamicStructuredTool].map((type) =>
    Reflect.get(type.prototype, "call"),
  ),
);

const isStreamed = (name: PropertyKey): boolean => !CALLS.has(name) && !BODIES.has(name);

/** Which ways into a tool are not LangChain's own, and so may be bodies themselves. */
function ownEntriesOf(tool: object): (property: PropertyKey) => boolean {
  let base: object | undefined;
  for (let type = Object.getPrototypeOf(tool); type !== null; type = Object.getPrototypeOf(type)) {
    if (Object.hasOwn(type, "call")) base = type;
  }
  return (property) => {
    if (!CALLS.has(property) && !ENTRIES.has(property)) return false;
    if (BODIES.has(property)) return false;
    const member: unknown = Reflect.get(tool, property);
    if (typeof member !== "function" || KNOWN_CALLS.has(member)) return false;
    return base === undefined || member !== Reflect.get(base, property);
  };
}

interface Owner {
  readonly guard: Guard;
  readonly own: Run | undefined;
  readonly tool: object;
}

/** What it leads to asks as well, if that is the tool's body. */
function gateOwn(
  owner: Owner,
  receiver: object,
  property: PropertyKey,
  method: Body,
  options: ToolGateOptions,
): Body {
  const { guard, own } = owner;
  return function enter(this: unknown, ...args: unknown[]): unknown {
    const target = selfOf(this, receiver);
    const gate = CALLS.has(property) ? undefined : ENTRIES.get(property);
    if (gate !== undefined) {
      return gate({ guard, own, kind: "tool", target }, method)(...(args as never[]));
    }
    return gateBody(owner, target, method, options, "call")(...args);
  };
}

function gateBody(
  { guard, own, tool }: Owner,
  self: object,
  body: Body,
  { onDeny }: ToolGateOptions,
  place: "body" | "call" = "body",
): Body {
  const at = place === "body" ? 2 : 1;
  return async (...args) => {
    const config = configOf(args[at]);
    const manager = place === "body" ? (args[1] as ManagerLike | undefined) : undefined;
    const inherited = onDeny === "refuse" ? undefined : findRun(guard, config, manager);
    const run = own ?? inherited ?? guard.run();
    try {
      return await protectWhile(
        run,
        { kind: "tool", name: nameOf(tool) },
        (signal) => {
          const carried = carryRun(config, scopeWith(guard, run, config), signal);
          const call = withArgument(args, at, carried);
          return follow(run, () => body.call(self, ...call));
        },
        { signal: config?.signal },
      );
    } catch (error) {
      const denial = findExecutionStopped(error);
      if (onDeny !== "refuse" || denial === undefined || denial !== run.stopped) throw error;
      const isPair =
        place === "body" && Reflect.get(tool, "responseFormat") === "content_and_artifact";
      const output = refusal(tool, denial, idOf(args[0]) ?? config?.toolCall?.id);
      return isPair ? [output, undefined] : output;
    }
  };
}

function withArgument(args: readonly unknown[], at: number, value: unknown): unknown[] {
  const changed = [...args];
  changed[at] = value;
  return changed;
}

/** `call` also takes a list of callbacks in place of a config. */
const configOf = (value: unknown): ToolConfig | undefined =>
  Array.isArray(value) ? { callbacks: value } : (value as ToolConfig | undefined);

/** The id of the tool call that a tool is invoked with. */
function idOf(input: unknown): string | undefined {
  const { type, id } = Object(input) as { readonly type?: unknown; readonly id?: unknown };
  return type === "tool_call" && typeof id === "string" ? id : undefined;
}

/** The body as it is: a generator goes on when it has returned, and a function when it was given up. */
function follow(run: Run, body: () => unknown): Begun<unknown> {
  const { result, over } = watchFunction(body);
  const parts = Promise.withResolvers<unknown>();
  const value = (async () => {
    const output = await result;
    if (!isAsyncGenerator(output)) return output;
    const steps = new StoppableSource(run, output);
    parts.resolve(steps.over);
    return asGenerator(steps);
  })();
  const settled = (): void => parts.resolve(undefined);
  value.then(settled, settled);
  return { value, over: Promise.allSettled([over, parts.promise]) };
}

/** By its class LangChain knows a tool that answers in steps. */
async function* asGenerator(steps: StoppableSource<unknown>): AsyncGenerator {
  return yield* steps;
}

/** All that the model learns, in the form that the tool's callers expect of it. */
function refusal(tool: object, error: ExecutionStoppedError, toolCallId?: string): unknown {
  const content = JSON.stringify(denialPayload(error));
  if (toolCallId === undefined) return content;
  return new ToolMessage({
    content,
    tool_call_id: toolCallId,
    name: nameOf(tool) ?? "",
    status: "error",
  });
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
