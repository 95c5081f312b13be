/** Ways into guarded work under Mastra, for the suite and for the coverage page. */
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

export const doors: readonly Door[] = [
  { door: "run", entry: "guardAgent: generate()", closed: true, surfaces: BARE },
  { door: "run", entry: "guardAgent: stream(), fullStream", closed: true, surfaces: BARE },
  { door: "run", entry: "guardAgent: stream(), textStream", closed: true, surfaces: BARE },
  { door: "run", entry: "guardAgent: stream(), text", closed: true, surfaces: BARE },
  { door: "run", entry: "guardAgent: stream(), getFullOutput()", closed: true, surfaces: BARE },
  { door: "run", entry: "guardAgent: stream(), consumeStream()", closed: true, surfaces: BARE },
  { door: "run", entry: "guardAgent: streamUntilIdle()", closed: true, surfaces: BARE },
  { door: "run", entry: "guardAgent: durable generate()", closed: true, surfaces: BARE },
  { door: "model", entry: "guardAgent: model from a function", closed: true, surfaces: BARE },
  { door: "model", entry: "guardAgent: fallback models", closed: true, surfaces: BARE },
  {
    door: "model",
    entry: "guardAgent: model of the call",
    bodies: ["model"],
    closed: true,
    surfaces: BARE,
  },
  {
    door: "model",
    entry: "guardAgent: model and tools of prepareStep",
    closed: true,
    surfaces: BARE,
  },
  {
    door: "model",
    entry: "guardAgent: model and tools of a processor",
    closed: true,
    surfaces: BARE,
  },
  {
    door: "model",
    entry: "guardAgent: structuredOutput.model",
    bodies: ["model"],
    closed: true,
    surfaces: BARE,
  },
  { door: "tool", entry: "guardAgent: tools from a function", closed: true, surfaces: BARE },
  { door: "tool", entry: "guardAgent: toolsets", closed: true, surfaces: BARE },
  { door: "tool", entry: "guardAgent: tools of memory", closed: true, surfaces: BARE },
  { door: "tool", entry: "guardAgent: tool hooks", closed: true, surfaces: BARE },
  { door: "tool", entry: "guardAgent: approved and resumed", closed: true, surfaces: BARE },
  { door: "tool", entry: "guardAgent: approved and resumed stream", closed: true, surfaces: BARE },
  { door: "tool", entry: "guardAgent: sub-agent", closed: true, surfaces: BARE },
  {
    door: "tool",
    entry: "guardAgent: workflow as tool",
    bodies: ["model", "step"],
    closed: true,
    surfaces: BARE,
  },
  { door: "tool", entry: "guardAgent: network()", closed: true, surfaces: BARE },
  {
    door: "model",
    entry: "guardModel: generate()",
    bodies: ["model"],
    closed: true,
    surfaces: "an error of Mastra's; the class is kept in this version",
  },
  {
    door: "tool",
    entry: "guardTool: execute()",
    bodies: ["search"],
    closed: true,
    surfaces: "ToolRefusedError, the refusal at .cause",
  },
  {
    door: "tool",
    entry: "guardTools: agent.generate() of an unguarded agent",
    closed: true,
    surfaces: "not at all: the tool's result is the fixed payload, and the conversation goes on",
    triedIn: "behaviour.test.ts",
    note: "guard the agent to end the run",
  },
  {
    door: "node",
    entry: "the steps of a workflow",
    closed: false,
    surfaces: "not asked",
    note: "a workflow that an agent calls asks as a tool; within a step use guard.protect()",
  },
  {
    door: "model",
    entry: "models of processors, scorers, memory and voice",
    closed: false,
    surfaces: "not asked",
    note: "they belong to agents that Mastra makes inside; give them a model from guardModel",
  },
  {
    door: "tool",
    entry: "memory's own tools in network()",
    closed: false,
    surfaces: "not asked",
    note: "network() calls them past the agent, right after a model call that was allowed; give tools to the agent",
  },
  {
    door: "tool",
    entry: "tools that run at the provider or the client",
    closed: false,
    surfaces: "not asked",
    note: "they run within a model call that was allowed, or outside this process",
  },
];
