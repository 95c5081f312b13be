import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { Boundary, BoundaryKind, Guard, Run } from "../../src/index.ts";
import { protectWhile } from "../shared/protect-while.ts";
import { RUN_OF } from "./find-run.ts";
import type { ManagerLike, RunHolder } from "./find-run.ts";
import { onFunction } from "./given-up.ts";
import { propagateConfigs } from "./implicit-config.ts";
import { findScope } from "./run-scope.ts";
import type { ConfigLike } from "./run-scope.ts";

type Metadata = Record<string, unknown>;

/** What LangChain says of the thing that begins. */
interface Described {
  readonly id?: unknown;
  readonly name?: unknown;
}

/** Runs remembered for calls that never told of their end. */
const MAX_RUNS = 10_000;

/** What counts as running until it tells of its end. A stream whose reader leaves tells of none. */
const TELLS_END: ReadonlySet<BoundaryKind> = new Set(["tool", "retrieval", "node"]);

/** A call that has begun. */
interface Begun {
  readonly run: Run;
  readonly kind: BoundaryKind;
  readonly end: () => void;
  /** Ends of the functions that it runs, which go on when LangChain gives them up. */
  readonly functions: Promise<unknown>[];
}

/** Tells the handlers in a function's config of it. There its parent is the call of the function. */
function tellHandlers(ended: Promise<unknown>, config: ConfigLike | undefined): void {
  const manager = Object(config?.callbacks) as ManagerLike;
  if (!Array.isArray(manager.handlers)) return;
  for (const handler of manager.handlers) {
    if (handler instanceof GuardCallbackHandler) handler.follow(ended, manager.getParentRunId?.());
  }
}

/**
 * Asks at every start that LangChain reports: chains and graph nodes, chat
 * models, LLMs, tools, retrievers, agent actions. What begins waits for the
 * allow, and a denial is thrown into it.
 *
 * A call and everything it calls are one run. Inside a guarded runnable that is
 * the invocation's run.
 */
export class GuardCallbackHandler extends BaseCallbackHandler implements RunHolder {
  override readonly name: string = "machineid_guard";
  readonly #guard: Guard;
  readonly #only: Run | undefined;
  readonly #begun = new Map<string, Begun>();

  /** @param only the run that everything belongs to; without it, each root call begins one */
  constructor(guard: Guard, only?: Run) {
    // Makes LangChain wait for the handlers and rethrow what they throw.
    super({ raiseError: true });
    this.#guard = guard;
    this.#only = only;
    onFunction(tellHandlers);
    Object.freeze(this);
  }

  override copy(): GuardCallbackHandler {
    return this;
  }

  [RUN_OF](guard: Guard, langchainRunId: string | undefined): Run | undefined {
    if (guard !== this.#guard) return undefined;
    return (
      this.#only ??
      (langchainRunId === undefined ? undefined : this.#begun.get(langchainRunId)?.run)
    );
  }

  override async handleChainStart(
    chain: Described,
    _inputs: unknown,
    runId: string,
    parentRunId?: string,
    _tags?: string[],
    metadata?: Metadata,
    _runType?: string,
    runName?: string,
  ): Promise<void> {
    const name = runName ?? nameOf(chain);
    const isNode = name !== undefined && metadata?.["langgraph_node"] === name;
    const kind = isNode ? "node" : parentRunId === undefined ? "run" : "task";
    await this.#check(kind, name, runId, parentRunId, metadata);
  }

  override async handleChatModelStart(
    llm: Described,
    _messages: unknown,
    runId: string,
    parentRunId?: string,
    _extra?: unknown,
    _tags?: string[],
    metadata?: Metadata,
    runName?: string,
  ): Promise<void> {
    await this.#check("model", runName ?? nameOf(llm), runId, parentRunId, metadata);
  }

  override async handleLLMStart(
    llm: Described,
    _prompts: unknown,
    runId: string,
    parentRunId?: string,
    _extra?: unknown,
    _tags?: string[],
    metadata?: Metadata,
    runName?: string,
  ): Promise<void> {
    await this.#check("model", runName ?? nameOf(llm), runId, parentRunId, metadata);
  }

  override async handleToolStart(
    tool: Described,
    _input: unknown,
    runId: string,
    parentRunId?: string,
    _tags?: string[],
    metadata?: Metadata,
    runName?: string,
  ): Promise<void> {
    await this.#check("tool", runName ?? nameOf(tool), runId, parentRunId, metadata);
  }

  override async handleRetrieverStart(
    retriever: Described,
    _query: unknown,
    runId: string,
    parentRunId?: string,
    _tags?: string[],
    metadata?: Metadata,
    runName?: string,
  ): Promise<void> {
    await this.#check("retrieval", runName ?? nameOf(retriever), runId, parentRunId, metadata);
  }

  override async handleAgentAction(
    action: { readonly tool?: string },
    runId: string,
  ): Promise<void> {
    const run = this.#begun.get(runId)?.run ?? this.#runOf(undefined, undefined);
    await run.check({ kind: "tool", name: action.tool });
  }

  /** A chain inside which a denial was swallowed does not end as if nothing had happened. */
  override handleChainEnd(_outputs: unknown, runId: string): void {
    const run = this.#forget(runId);
    if (run?.stopped !== undefined) throw run.stopped;
  }

  override handleChainError(_error: unknown, runId: string): void {
    this.#forget(runId);
  }

  override handleLLMEnd(_output: unknown, runId: string): void {
    this.#forget(runId);
  }

  override handleLLMError(_error: unknown, runId: string): void {
    this.#forget(runId);
  }

  override handleToolEnd(_output: unknown, runId: string): void {
    this.#forget(runId);
  }

  override handleToolError(_error: unknown, runId: string): void {
    this.#forget(runId);
  }

  override handleRetrieverEnd(_documents: unknown, runId: string): void {
    this.#forget(runId);
  }

  override handleRetrieverError(_error: unknown, runId: string): void {
    this.#forget(runId);
  }

  /** A function of a call has begun. */
  follow(ended: Promise<unknown>, runId: string | undefined): void {
    if (runId !== undefined) this.#begun.get(runId)?.functions.push(ended);
  }

  /**
   * Takes all that has begun for ended, but not, once the run is stopped, what
   * tells of its end by itself.
   */
  release(): void {
    for (const [runId, { kind, run }] of this.#begun) {
      if (run.stopped === undefined || !TELLS_END.has(kind)) this.#forget(runId);
    }
  }

  async #check(
    kind: BoundaryKind,
    name: string | undefined,
    runId: string,
    parentRunId: string | undefined,
    metadata: Metadata | undefined,
  ): Promise<void> {
    const run = this.#runOf(parentRunId, metadata);
    const boundary: Boundary = { kind, name };
    // Alone, a handler is not told when the reader of a stream leaves.
    const isFollowed = TELLS_END.has(kind) || (kind === "model" && this.#only !== undefined);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    this.#remember(runId, { run, kind, end, functions: [] });
    try {
      if (isFollowed) await protectWhile(run, boundary, () => ({ value: undefined, over }));
      else await run.check(boundary);
    } catch (error) {
      this.#forget(runId);
      throw error;
    }
  }

  #runOf(parentRunId: string | undefined, metadata: Metadata | undefined): Run {
    if (this.#only !== undefined) return this.#only;
    const known = parentRunId === undefined ? undefined : this.#begun.get(parentRunId)?.run;
    return known ?? findScope({ metadata })?.of(this.#guard)?.run ?? this.#guard.run();
  }

  #remember(runId: string, begun: Begun): void {
    this.#begun.set(runId, begun);
    if (this.#begun.size <= MAX_RUNS) return;
    for (const oldest of this.#begun.keys()) {
      this.#forget(oldest);
      return;
    }
  }

  #forget(runId: string): Run | undefined {
    const begun = this.#begun.get(runId);
    this.#begun.delete(runId);
    if (begun !== undefined) void Promise.allSettled(begun.functions).then(begun.end);
    return this.#only ?? begun?.run;
  }
}

/**
 * Makes a handler to pass as `callbacks: [handler]` in the config of a call,
 * where nested calls inherit it.
 *
 * A handler sees only what LangChain reports. A chat model's own `streamEvents`
 * without `version: "v1"` or `"v2"`, and a tool's `func` and `_call` called
 * directly, are not reported: gate those with `guardModel` and `guardTool`.
 *
 * @example
 * await chain.invoke(input, { callbacks: [createGuardCallbackHandler(guard)] });
 */
export function createGuardCallbackHandler(guard: Guard): GuardCallbackHandler {
  propagateConfigs();
  return new GuardCallbackHandler(guard);
}

/** The last part of a serialised thing's id is its class. */
function nameOf({ id, name }: Described): string | undefined {
  if (typeof name === "string") return name;
  const last: unknown = Array.isArray(id) ? id.at(-1) : undefined;
  return typeof last === "string" ? last : undefined;
}
