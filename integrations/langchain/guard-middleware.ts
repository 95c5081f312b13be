import { ToolMessage } from "@langchain/core/messages";
import { denialPayload, findExecutionStopped } from "../../src/index.ts";
import type { Boundary, ExecutionStoppedError, Guard, Run } from "../../src/index.ts";
import { protectWhile } from "../shared/protect-while.ts";
import { runFor } from "./find-run.ts";
import { gateModelsFor } from "./gate-model.ts";
import { isRunnable } from "./gate-proxy.ts";
import { gateTool, isTool } from "./gate-tool.ts";
import type { ToolGateOptions } from "./gate-tool.ts";
import { gateRunnable } from "./guard-runnable.ts";
import { beginning } from "./same-turn.ts";
import type { ConfigLike } from "./run-scope.ts";

export interface GuardMiddlewareOptions extends ToolGateOptions {
  /** Two middlewares of one agent need two names. @default "MachineIDGuard" */
  readonly name?: string | undefined;
}

/** What the hooks are given of the invocation. */
interface Requested {
  readonly runtime: ConfigLike;
}

interface ToolRequested extends Requested {
  readonly toolCall: { readonly name: string; readonly id?: string | undefined };
  readonly tool?: unknown;
}

interface ModelRequested extends Requested {
  readonly model: unknown;
}

/** A middleware for `createAgent` of `langchain` 1.x. */
export interface GuardMiddleware {
  readonly name: string;
  /** For type inference only: adds no state, no context, no tools to an agent. */
  readonly "~middlewareTypes"?: {
    Schema: undefined;
    ContextSchema: undefined;
    FullContext: unknown;
    Tools: readonly [];
    StreamTransformers: readonly [];
  };
  readonly beforeAgent: (state: unknown, runtime: ConfigLike) => Promise<undefined>;
  readonly wrapModelCall: <R extends ModelRequested, A>(
    request: R,
    handler: (request: R) => A | Promise<A>,
  ) => Promise<A>;
  readonly wrapToolCall: <R extends ToolRequested, A>(
    request: R,
    handler: (request: R) => A | Promise<A>,
  ) => Promise<A | ToolMessage>;
  readonly afterAgent: (state: unknown, runtime: ConfigLike) => undefined;
}

/** By which langchain knows its middlewares. */
const BRAND = Symbol.for("AgentMiddleware");

/**
 * Makes a middleware for `createAgent` that asks when the agent starts, before
 * every model call and before every tool call, listed anywhere or not; after a
 * resume too.
 *
 * All hooks of one invocation share a run: that of the guarded runnable around
 * the agent, or else one of the invocation's own. A denial that another
 * middleware swallowed holds all the same, and is thrown when the agent ends.
 *
 * With `onDeny: "refuse"` every tool call is a run of its own, and a denial
 * becomes the tool's error message; a denied model call always stops the agent.
 *
 * @throws {@link ExecutionDeniedError} from the agent's calls, wrapped by langchain
 *   in a `MiddlewareError` (`findExecutionStopped` finds it): the authority said no
 * @throws {@link AuthorityUnavailableError} from the agent's calls, wrapped likewise:
 *   it gave no decision
 */
export function guardMiddleware(
  guard: Guard,
  options: GuardMiddlewareOptions = {},
): GuardMiddleware {
  const { name = "MachineIDGuard", onDeny } = options;
  const middleware: GuardMiddleware = {
    name,
    beforeAgent: async (_state, runtime) => {
      await runFor(guard, runtime).check({ kind: "run" }, { signal: runtime.signal });
      return undefined;
    },
    wrapModelCall: (request, handler) => {
      const boundary: Boundary = { kind: "model", name: modelName(request.model) };
      return gate(guard, runFor(guard, request.runtime), boundary, request, (run) =>
        handler({ ...request, model: gateModels(guard, run, request.model) }),
      );
    },
    wrapToolCall: async (request, handler) => {
      const boundary: Boundary = { kind: "tool", name: request.toolCall.name };
      const run = onDeny === "refuse" ? guard.run() : runFor(guard, request.runtime);
      try {
        return await gate(guard, run, boundary, request, (run) =>
          handler({ ...request, tool: gateBody(guard, run, request.tool) }),
        );
      } catch (error) {
        const denial = findExecutionStopped(error);
        if (onDeny !== "refuse" || denial === undefined || denial !== run.stopped) throw error;
        return refusal(denial, request);
      }
    },
    afterAgent: (_state, runtime) => {
      const { stopped } = runFor(guard, runtime);
      if (stopped !== undefined) throw stopped;
      return undefined;
    },
  };
  return Object.assign(middleware, { [BRAND]: true });
}

/**
 * Asks, hands on, and gives no result of a run that was stopped meanwhile.
 * Between this hook and the body other middlewares may wait and retry, so the
 * body is gated too. Where nothing came between, both are one body: a second
 * question could be denied, and a fallback inside would call a model that nobody gated.
 */
async function gate<A>(
  guard: Guard,
  run: Run,
  boundary: Boundary,
  { runtime: { signal } }: Requested,
  handOn: (run: Run) => A | Promise<A>,
): Promise<A> {
  const answer = await protectWhile(run, boundary, beginning(guard, run, handOn), { signal });
  if (run.stopped !== undefined) throw run.stopped;
  return answer;
}

function gateModels<M>(guard: Guard, run: Run, model: M): M {
  return typeof model === "object" && model !== null ? gateModelsFor(guard, run, model) : model;
}

function gateBody<T>(guard: Guard, run: Run, tool: T): T {
  if (typeof tool !== "object" || tool === null) return tool;
  if (isTool(tool)) return gateTool(guard, tool, {}, run);
  return isRunnable(tool) ? gateRunnable(guard, tool, "tool", run) : tool;
}

function refusal(error: ExecutionStoppedError, { toolCall }: ToolRequested): ToolMessage {
  return new ToolMessage({
    content: JSON.stringify(denialPayload(error)),
    tool_call_id: toolCall.id ?? "",
    name: toolCall.name,
    status: "error",
  });
}

function modelName(model: unknown): string | undefined {
  if (typeof model !== "object" || model === null) return undefined;
  for (const property of ["model", "modelName"]) {
    const name: unknown = Reflect.get(model, property);
    if (typeof name === "string") return name;
  }
  return "getName" in model && typeof model.getName === "function" ? model.getName() : undefined;
}
