/** How a denial reaches the caller of a guarded entry. */
export type Surface =
  /** The denial itself is thrown. */
  | "denial"
  /** An error is thrown in which `findExecutionStopped` finds the denial. */
  | "wrapped"
  /** Nothing is thrown: the denial is in the result, or hidden. */
  | "result";

/** One way in, and whether it is closed once the authority says no. */
export interface Door {
  /** The function of `machineid-io/langchain` that makes the gate. */
  readonly door: string;
  /** What is called, and how. */
  readonly entry: string;
  /** Whether the guarded body cannot begin after a denial. */
  readonly closed: boolean;
  readonly surfaces: Surface;
  readonly note?: string;
}

function closed(door: string, surfaces: Surface, entries: readonly string[]): Door[] {
  return entries.map((entry) => ({ door, entry, closed: true, surfaces }));
}

export const doors: readonly Door[] = [
  ...closed("guardRunnable", "denial", [
    "invoke",
    "invoke, callbacks: []",
    "invoke, callbacks: a manager",
    "stream",
    "batch",
    "batch of two",
    "batch, returnExceptions",
    "streamEvents v1",
    "streamEvents v2",
    "streamLog",
    "transform",
    "_streamIterator",
    "func of a lambda",
    "withConfig, invoke",
    "withRetry, invoke",
    "withFallbacks, invoke",
    "asTool, invoke",
    "call of a chain in the old style",
    "a step of another chain",
    "retry inside",
    "fallback inside",
    "swallowed inside",
    "nested call without config",
    "parallel branches",
    "parallel branches, stream",
  ]),

  ...closed("createGuardCallbackHandler", "denial", [
    "chain, invoke",
    "chain, stream",
    "chain, batch",
    "chain, streamEvents v2",
    "chain, streamLog",
    "chain, retried",
    "chain with a fallback",
    "nested call without config",
    "swallowed inside",
    "chat model, invoke",
    "chat model, stream",
    "chat model, batch",
    "chat model, generate",
    "chat model, streamEvents v1",
    "chat model, streamEvents v2",
    "chat model, a cache hit",
    "LLM, invoke",
    "retriever, invoke",
    "tool, invoke",
    "agent action",
  ]),
  {
    door: "createGuardCallbackHandler",
    entry: "chat model, streamEvents, its default",
    closed: false,
    surfaces: "result",
    note: "LangChain reports no start there; use guardModel.",
  },
  {
    door: "createGuardCallbackHandler",
    entry: "tool, func",
    closed: false,
    surfaces: "result",
    note: "Goes round LangChain; use guardTool.",
  },
  {
    door: "createGuardCallbackHandler",
    entry: "nested call with callbacks: []",
    closed: false,
    surfaces: "result",
    note: "The application takes the handler away; use guardTool, guardModel or guardNode.",
  },

  ...closed("guardTool", "denial", [
    "invoke",
    "invoke with a tool call",
    "call",
    "func",
    "_call",
    "batch",
    "stream",
    "streamEvents v2",
    "withConfig, invoke",
    "withRetry, invoke",
    "pipe, invoke",
    "a copy made from its fields",
    "a class with private members",
    "a tool that takes text",
    "a tool that is a generator",
    "a runnable as a tool",
    "a tool that calls a tool",
  ]),
  {
    door: "guardTool",
    entry: "onDeny refuse",
    closed: true,
    surfaces: "result",
    note: "The fixed payload is the tool's answer.",
  },
  {
    door: "guardTool",
    entry: "ToolNode of LangGraph",
    closed: true,
    surfaces: "result",
    note: "The node makes a message of the error and the graph goes on; guard the graph or the agent too.",
  },
  {
    door: "guardTool",
    entry: "createAgent, parallel calls",
    closed: true,
    surfaces: "result",
    note: "The agent makes a message of the error and goes on; guard the agent or add guardMiddleware.",
  },

  ...closed("guardModel", "denial", [
    "invoke",
    "stream",
    "batch",
    "generate",
    "streamEvents v1",
    "streamEvents v2",
    "streamEvents, its default",
    "streamEvents, its default, awaited",
    "streamV2",
    "streamLog",
    "_generate",
    "_streamResponseChunks",
    "_streamChatModelEvents",
    "bindTools, invoke",
    "withStructuredOutput, invoke",
    "withConfig, stream",
    "withRetry, invoke",
    "withFallbacks to another guarded model, invoke",
    "pipe, stream",
    "createAgent with it",
    "createAgent with a binding of it",
    "an LLM, invoke",
    "an LLM, stream",
    "a cache hit",
  ]),

  {
    door: "guardModel",
    entry: "a clone made with its prototype",
    closed: false,
    surfaces: "result",
    note: "A new object of the model's own class; guard the clone.",
  },

  ...closed("guardRunnable", "denial", [
    "agent, invoke",
    "agent, stream",
    "agent, stream, all modes",
    "agent, streamEvents v2",
    "agent, streamEvents v3, its output",
    "agent, streamEvents v3, its events",
    "agent, streamEvents v3, its values",
    "agent, parallel calls",
    "agent, resume after a human",
    "agent, a tool that nobody listed",
    "agent, a middleware that answers for the tool",
    "agent, retries outside",
    "agent, retries inside",
    "agent, fallback outside",
    "agent, fallback inside",
    "agent, swallowed outside",
    "agent, swallowed inside",
    "agent, its graph",
    "agent that asks an agent",
  ]),

  ...closed("guardMiddleware", "wrapped", [
    "invoke",
    "stream",
    "stream, all modes",
    "streamEvents v2",
    "streamEvents v3, its output",
    "streamEvents v3, its events",
    "streamEvents v3, its values",
    "parallel calls",
    "resume after a human",
    "a tool that nobody listed",
    "a middleware that answers for the tool",
    "retries outside",
    "retries inside",
    "fallback outside",
    "fallback inside",
    "swallowed outside",
    "swallowed inside",
  ]),

  ...closed("guardNode", "wrapped", [
    "invoke",
    "stream",
    "streamEvents v2",
    "streamEvents v3, its output",
    "resume after an interrupt",
    "Send",
    "Command",
    "subgraph",
    "ToolNode that swallows",
  ]),

  ...closed("guardGraph", "denial", [
    "invoke",
    "stream",
    "streamEvents v2",
    "streamEvents v3, its output",
    "resume after an interrupt",
    "Send",
    "Command",
    "subgraph",
    "ToolNode that swallows",
    "a node's error handler",
    "functional API",
    "createReactAgent",
  ]),
];
