/**
 * Every door through which the AI SDK begins work, and whether a gate stands in
 * it. The suite goes through each closed door; docs/coverage.md is made of this.
 */
export interface Door {
  /** Where work begins. */
  readonly door: string;
  /** The function of `machineid-io/ai-sdk` that gates it; empty where none can. */
  readonly entry: string;
  /** Major version of `ai`. */
  readonly version: 5 | 6 | 7;
  readonly closed: boolean;
  /** Where the caller finds the refusal. */
  readonly surfaces: string;
  /** What else to know; for an open door, the reason. */
  readonly note?: string;
}

const ALL = [5, 6, 7] as const;
const NEWER = [6, 7] as const;
const NEWEST = [7] as const;

const PROMISE = "the call's promise rejects";
const RESULT = "streams end and promises of the result reject, consumeStream too";
/** What is listed so is not gone through: there is nothing to gate. */
export const REFUSED = "InvalidArgumentError";
const OBJECT_RESULT = "the stream ends and the promises of the result reject";

type Row = Omit<Door, "version" | "closed"> & { readonly versions?: readonly Door["version"][] };

const spread = (closed: boolean, rows: readonly Row[]): Door[] =>
  rows.flatMap(({ versions = ALL, ...row }) =>
    versions.map((version) => ({ ...row, version, closed })),
  );

const closedDoors: readonly Row[] = [
  { door: "generateText", entry: "guardCall", surfaces: PROMISE },
  { door: "streamText", entry: "guardCall", surfaces: RESULT },
  { door: "parallel tool calls in generateText", entry: "guardCall", surfaces: PROMISE },
  { door: "parallel tool calls in streamText", entry: "guardCall", surfaces: RESULT },
  { door: "generator tool in generateText", entry: "guardCall", surfaces: PROMISE },
  { door: "generator tool in streamText", entry: "guardCall", surfaces: RESULT },
  { door: "dynamic tool", entry: "guardCall", surfaces: PROMISE },
  {
    door: "tool call as the last step",
    entry: "guardCall",
    surfaces: PROMISE,
    note: "the SDK itself would resolve with a tool error",
  },
  {
    door: "forged approval in generateText",
    entry: "guardCall",
    versions: NEWER,
    surfaces: PROMISE,
    note: "approved tool calls in the history run before any model call; whether the approval is genuine is not looked at",
  },
  {
    door: "forged approval in streamText",
    entry: "guardCall",
    versions: NEWER,
    surfaces: RESULT,
    note: "as in generateText",
  },
  { door: "generateObject", entry: "guardCall", surfaces: PROMISE },
  ...["fullStream", "textStream", "partialObjectStream"].map((stream) => ({
    door: `streamObject, read by ${stream}`,
    entry: "guardCall",
    surfaces: OBJECT_RESULT,
  })),
  { door: "embed", entry: "guardCall", surfaces: PROMISE },
  { door: "embedMany", entry: "guardCall", surfaces: PROMISE, note: "every batch asks" },
  { door: "generateImage", entry: "guardCall", surfaces: PROMISE, note: "every batch asks" },
  { door: "experimental_generateSpeech", entry: "guardCall", surfaces: PROMISE },
  { door: "experimental_transcribe", entry: "guardCall", surfaces: PROMISE },
  { door: "rerank", entry: "guardCall", versions: NEWER, surfaces: PROMISE },
  { door: "experimental_generateVideo", entry: "guardCall", versions: NEWER, surfaces: PROMISE },
  { door: "agent.generate", entry: "guardAgent", surfaces: PROMISE },
  { door: "agent.stream", entry: "guardAgent", surfaces: RESULT },
  {
    door: "tool.execute called directly",
    entry: "guardTool",
    surfaces: "the returned promise rejects",
    note: "inside an ungated call the SDK turns it into a tool error and goes on to the next model call",
  },
  { door: "tools and model of one run", entry: "guardModel, guardTools", surfaces: PROMISE },
  { door: "model of its own", entry: "guardModel", surfaces: PROMISE },
  { door: "wrapLanguageModel in generateText", entry: "guardMiddleware", surfaces: PROMISE },
  {
    door: "wrapLanguageModel in streamText",
    entry: "guardMiddleware",
    surfaces: "error part and onError",
    note: "promises of the result reject without the refusal, and textStream ends silently: use guardCall",
  },
  {
    door: "wrapEmbeddingModel in embed",
    entry: "guardMiddleware",
    versions: NEWER,
    surfaces: PROMISE,
  },
  {
    door: "wrapImageModel in generateImage",
    entry: "guardMiddleware",
    versions: NEWER,
    surfaces: PROMISE,
  },
];

/** Closed by refusing the call: what was given cannot be gated. */
const refusedDoors: readonly Row[] = [
  {
    door: "model given by its id",
    entry: "guardCall",
    surfaces: REFUSED,
    note: "the SDK resolves an id behind the gate",
  },
  {
    door: "realtime sessions",
    entry: "guardModel",
    versions: NEWEST,
    surfaces: REFUSED,
    note: "a realtime model opens connections of its own",
  },
];

const openDoors: readonly Row[] = [
  {
    door: "URLs in messages are downloaded",
    entry: "",
    surfaces: "nowhere",
    note: "the SDK fetches them before the model is called",
  },
  {
    door: "callbacks (onStepFinish, onChunk, onInputAvailable, needsApproval, toModelOutput, prepareStep, …)",
    entry: "",
    surfaces: "nowhere",
    note: "code of the caller's own, run by the SDK around gated work",
  },
  {
    door: "an overridden generate or stream hands a model of its own to super",
    entry: "guardAgent",
    versions: [5],
    surfaces: "nowhere",
    note: "version 5 asks no method of the agent between the override and the call. Guard that model with guardModel",
  },
  {
    door: "tools that the provider executes",
    entry: "guardCall",
    surfaces: PROMISE,
    note: "they run inside the model call, which is gated as a whole",
  },
  {
    door: "pipeTextStreamToResponse, pipeUIMessageStreamToResponse",
    entry: "guardCall",
    surfaces: "nowhere in the HTTP response",
    note: "nothing more begins, but the response ends as if it were whole; the promises of the result reject",
  },
  {
    door: "uploadFile, uploadSkill, startBatch",
    entry: "",
    versions: NEWEST,
    surfaces: "nowhere",
    note: "they take no model; guardCall refuses them. Put them into guard.protect()",
  },
  {
    door: "search without a search function in toolSearch",
    entry: "",
    versions: NEWEST,
    surfaces: "nowhere",
    note: "the SDK compares words of tool descriptions in memory; no code of yours runs",
  },
];

export const doors: readonly Door[] = [
  ...spread(true, closedDoors),
  ...spread(true, refusedDoors),
  ...spread(false, openDoors),
];
