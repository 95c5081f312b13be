/** Ways into guarded work under the OpenAI Agents SDK, for the suite and for the coverage page. */
export interface Door {
  /** What would begin. */
  readonly door: string;
  /** How it is reached, and what guards it. */
  readonly entry: string;
  /** Whether it stays shut when there is no allow. */
  readonly closed: boolean;
  /** The bodies that are entered when all is allowed. @default model and search */
  readonly bodies?: readonly string[];
  /** How a refusal reaches the caller. */
  readonly surfaces: string;
  /** The caller's own abort is not seen here; a refusal is. */
  readonly missesAbort?: boolean;
  /** The test that tries it, when that is not the table's own suite. */
  readonly triedIn?: string;
  readonly note?: string;
}

const BARE = "the refusal itself";
const TOOL_CALL_ERROR = "ToolCallError, the refusal at .error";
const NOT_REACHED = "not asked";

export const doors: readonly Door[] = [
  { door: "run", entry: "guardRun: run()", closed: true, surfaces: BARE },
  { door: "run", entry: "guardRun: stream, iterated", closed: true, surfaces: BARE },
  { door: "run", entry: "guardRun: stream, completed", closed: true, surfaces: BARE },
  { door: "run", entry: "guardRun: stream, toTextStream()", closed: true, surfaces: BARE },
  { door: "run", entry: "guardRun: stream, Node stream", closed: true, surfaces: BARE },
  { door: "run", entry: "guardRunner: runner.run()", closed: true, surfaces: BARE },
  { door: "model", entry: "guardRun: model by id", closed: true, surfaces: BARE },
  {
    door: "model",
    entry: "guardAgent: run()",
    closed: true,
    surfaces: `${BARE}, or ToolCallError`,
  },
  {
    door: "model",
    entry: "guardAgent: model by id",
    bodies: ["model"],
    closed: true,
    surfaces: BARE,
    missesAbort: true,
    note: "the SDK tells an agent nothing of the caller's signal, and calls a model in spite of it",
  },
  { door: "model", entry: "guardModel: run()", bodies: ["model"], closed: true, surfaces: BARE },
  { door: "model", entry: "guardModel: stream", bodies: ["model"], closed: true, surfaces: BARE },
  {
    door: "model",
    entry: "guardModelProvider: Runner",
    bodies: ["model"],
    closed: true,
    surfaces: BARE,
  },
  {
    door: "tool",
    entry: "guardTool: run()",
    bodies: ["search"],
    closed: true,
    surfaces: TOOL_CALL_ERROR,
  },
  {
    door: "tool",
    entry: "guardTool: stream",
    bodies: ["search"],
    closed: true,
    surfaces: TOOL_CALL_ERROR,
  },
  {
    door: "tool",
    entry: "guardRun: MCP server",
    bodies: ["model", "lookup"],
    closed: true,
    surfaces: BARE,
  },
  { door: "tool", entry: "guardRun: agent as tool", closed: true, surfaces: BARE },
  {
    door: "tool",
    entry: "guardRun: shell",
    bodies: ["model", "shell"],
    closed: true,
    surfaces: BARE,
  },
  {
    door: "tool",
    entry: "guardRun: apply_patch",
    bodies: ["model", "editor"],
    closed: true,
    surfaces: BARE,
  },
  {
    door: "tool",
    entry: "guardRun: computer",
    bodies: ["model", "computer"],
    closed: true,
    surfaces: BARE,
  },
  { door: "tool", entry: "guardRun: approved and resumed", closed: true, surfaces: BARE },
  {
    door: "tool",
    entry: "guardRun: approved and resumed from JSON",
    closed: true,
    surfaces: BARE,
    note: "RunState.fromString needs the guarded agent; a state of an unguarded one is refused",
  },
  { door: "handoff", entry: "guardRun: handoff", closed: true, surfaces: BARE },
  {
    door: "tool",
    entry: "agent as tool of an agent that is not guarded",
    closed: true,
    surfaces: "InvalidArgumentError before the first model call",
    triedIn: "behaviour.test.ts",
    note: "no gate reaches into such a tool, so it is refused",
  },
  {
    door: "tool",
    entry: "tool.invoke() called by the application itself",
    closed: false,
    surfaces: NOT_REACHED,
    note: "the gate is an input guardrail, which only a run or a realtime session reads; use guard.protect() or guardFunction() there",
  },
  {
    door: "tool",
    entry: "hosted tools: web search, hosted MCP, code interpreter",
    closed: false,
    surfaces: NOT_REACHED,
    note: "they run at the provider, within a model call that was allowed",
  },
  {
    door: "model",
    entry: "run() of the SDK called inside a tool with an unguarded agent",
    closed: false,
    surfaces: NOT_REACHED,
    note: "plain code of the application; call a guarded run there, which joins the run around it",
  },
  {
    door: "model",
    entry: "RealtimeSession",
    closed: false,
    surfaces: NOT_REACHED,
    note: "a realtime model opens a connection of its own; its function tools can be guarded with guardTool",
  },
];
