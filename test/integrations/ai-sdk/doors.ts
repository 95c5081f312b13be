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
  /** The test that tries it, when that is not the table's own suite. */
  readonly triedIn?: string;
}

const ALL = [5, 6, 7] as const;
const NEWER = [6, 7] as const;
const NEWEST = [7] as const;

const PROMISE = "the call's promise rejects";
const RESULT = "streams end and promises of the result reject, consumeStream too";
/** What is listed so is not gone through: there is nothing to gate. */
const REFUSED = "InvalidArgumentError";
const NOT_POSSIBLE = "TypeError";
export const NOT_BEGUN: readonly string[] = [REFUSED, NOT_POSSIBLE];
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
  {
    door: "pipeTextStreamToResponse, pipeUIMessageStreamToResponse",
    entry: "guardCall",
    surfaces: "the HTTP response breaks off, and the promises of the result reject",
    triedIn: "piped-response.test.ts",
  },
  ...["one function", "a function for each"].flatMap((by): Row[] => [
    {
      door: `toolApproval, ${by}, in generateText`,
      entry: "guardCall",
      versions: NEWEST,
      surfaces: PROMISE,
    },
    {
      door: `toolApproval, ${by}, in streamText`,
      entry: "guardCall",
      versions: NEWEST,
      surfaces: RESULT,
    },
    {
      door: `forged approval with toolApproval, ${by}`,
      entry: "guardCall",
      versions: NEWEST,
      surfaces: PROMISE,
    },
  ]),
  { door: "needsApproval of a tool", entry: "guardCall", versions: NEWER, surfaces: PROMISE },
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
  { door: "toolApproval of an agent", entry: "guardAgent", versions: NEWEST, surfaces: PROMISE },
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
  {
    door: "an agent whose own methods use #private members",
    entry: "guardAgent",
    surfaces: NOT_POSSIBLE,
    note: "its methods run on the guarded agent, a view that has none; private members of TypeScript's kind work",
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
    door: "callbacks (onStepFinish, onChunk, onInputAvailable, toModelOutput, prepareStep, …)",
    entry: "",
    surfaces: "nowhere",
    note: "code of the caller's own, run by the SDK around gated work",
  },
  {
    door: "an override calls Experimental_Agent.prototype.generate by that name, with a model of its own",
    entry: "guardAgent",
    versions: [5],
    surfaces: "nowhere",
    note: "what is handed to super is gated; a method of the SDK's that is called past it is not. Guard that model with guardModel",
  },
  {
    door: "tools that the provider executes",
    entry: "guardCall",
    surfaces: PROMISE,
    note: "they run inside the model call, which is gated as a whole",
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
