import { MockEmbeddingModelV4, MockImageModelV4, MockLanguageModelV4 } from "ai/test";
import { MockEmbeddingModelV2, MockImageModelV2, MockLanguageModelV2 } from "ai5/test";
import { MockEmbeddingModelV3, MockImageModelV3, MockLanguageModelV3 } from "ai6/test";

export type Version = 5 | 6 | 7;

/** What a fake model says in one step: text, or calls of tools with empty input. */
export type Turn = { readonly text: string } | { readonly calls: readonly string[] };

/** Told when a body is entered, by its name. */
export type Enter = (body: string) => void | Promise<void>;

type Part = Record<string, unknown>;

/** A language model of the version's own kind that follows a script, and ignores signals. */
export function fakeLanguageModel(
  version: Version,
  script: readonly Turn[],
  enter: Enter,
  name = "model",
): object {
  let step = 0;
  const next = async (): Promise<Turn> => {
    const turn = script[Math.min(step, script.length - 1)] ?? { text: "" };
    step += 1;
    await enter(name);
    return turn;
  };
  const doGenerate = async (): Promise<Part> => {
    const turn = await next();
    return { content: content(turn, step), ...ending(version, turn), warnings: [] };
  };
  const doStream = async (): Promise<Part> => {
    const turn = await next();
    return { stream: streamOf([...streamParts(turn, step), finish(version, turn)]) };
  };
  const settings = { modelId: name, doGenerate, doStream };
  switch (version) {
    case 5:
      return new MockLanguageModelV2(settings as never);
    case 6:
      return new MockLanguageModelV3(settings as never);
    case 7:
      return new MockLanguageModelV4(settings as never);
  }
}

/** What goes on when a stop comes: the call of a model, its stream, or the tools that it calls. */
export type Flight = "call" | "stream" | { readonly calls: readonly string[] };

interface GoesOn {
  enter(body: string): void;
  goOn(body: string, signal: AbortSignal | undefined): Promise<void>;
}

type Called = { readonly abortSignal?: AbortSignal };

/** A model that goes on for long, where it is told to. */
export function hangingModel(version: Version, flight: Flight, stage: GoesOn): object {
  const name = "model";
  const turn: Turn = typeof flight === "string" ? { text: "done" } : flight;
  let step = 0;
  const begin = async ({ abortSignal }: Called): Promise<void> => {
    step += 1;
    if (flight === "call") await stage.goOn(name, abortSignal);
    else stage.enter(name);
  };
  const doGenerate = async (called: Called): Promise<Part> => {
    await begin(called);
    return { content: content(turn, step), ...ending(version, turn), warnings: [] };
  };
  async function* parts({ abortSignal }: Called): AsyncGenerator<Part> {
    const [start, ...others] = streamParts(turn, step);
    if (start !== undefined) yield start;
    if (flight === "stream") {
      yield { type: "text-start", id: "1" };
      yield { type: "text-delta", id: "1", delta: "half" };
      await stage.goOn(name, abortSignal);
    }
    yield* others;
    yield finish(version, turn);
  }
  const doStream = async (called: Called): Promise<Part> => {
    await begin(called);
    return { stream: ReadableStream.from(parts(called)) };
  };
  const settings = { modelId: name, doGenerate, doStream };
  switch (version) {
    case 5:
      return new MockLanguageModelV2(settings as never);
    case 6:
      return new MockLanguageModelV3(settings as never);
    case 7:
      return new MockLanguageModelV4(settings as never);
  }
}

export function fakeEmbeddingModel(version: Version, enter: Enter): object {
  const settings = {
    modelId: "embedder",
    maxEmbeddingsPerCall: 1,
    doEmbed: async ({ values }: { values: readonly unknown[] }) => {
      await enter("embedder");
      return { embeddings: values.map(() => [1, 2]), usage: { tokens: 1 }, warnings: [] };
    },
  };
  switch (version) {
    case 5:
      return new MockEmbeddingModelV2(settings);
    case 6:
      return new MockEmbeddingModelV3(settings);
    case 7:
      return new MockEmbeddingModelV4(settings);
  }
}

export function fakeImageModel(version: Version, enter: Enter): object {
  const settings = {
    modelId: "painter",
    maxImagesPerCall: 1,
    doGenerate: async () => {
      await enter("painter");
      const response = { timestamp: new Date(0), modelId: "painter", headers: undefined };
      return { images: ["aGVsbG8="], warnings: [], response };
    },
  };
  switch (version) {
    case 5:
      return new MockImageModelV2(settings);
    case 6:
      return new MockImageModelV3(settings);
    case 7:
      return new MockImageModelV4(settings);
  }
}

function content(turn: Turn, step: number): Part[] {
  if ("text" in turn) return [{ type: "text", text: turn.text }];
  return turn.calls.map((toolName, index) => toolCall(toolName, step, index));
}

function toolCall(toolName: string, step: number, index: number): Part {
  return { type: "tool-call", toolCallId: `call-${step}-${index}`, toolName, input: "{}" };
}

function streamParts(turn: Turn, step: number): Part[] {
  const start = { type: "stream-start", warnings: [] };
  if ("calls" in turn) return [start, ...content(turn, step)];
  const letters = turn.text.split("").map((delta) => ({ type: "text-delta", id: "1", delta }));
  return [start, { type: "text-start", id: "1" }, ...letters, { type: "text-end", id: "1" }];
}

function finish(version: Version, turn: Turn): Part {
  return { type: "finish", ...ending(version, turn) };
}

function ending(version: Version, turn: Turn): Part {
  const reason = "text" in turn ? "stop" : "tool-calls";
  if (version === 5) {
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
    return { finishReason: reason, usage };
  }
  const inputTokens = { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined };
  const outputTokens = { total: 1, text: 1, reasoning: undefined };
  return { finishReason: { unified: reason, raw: reason }, usage: { inputTokens, outputTokens } };
}

function streamOf(parts: readonly Part[]): ReadableStream<Part> {
  return ReadableStream.from(parts);
}

/** A model of another kind, which has one operation. */
export function fakeModel(version: Version, operation: string, answer: Part, enter: Enter): object {
  return {
    specificationVersion: `v${version - 3}`,
    provider: "fake",
    modelId: "other kind",
    [operation]: async () => {
      await enter("other kind");
      return { warnings: [], response: { timestamp: new Date(0), modelId: "x" }, ...answer };
    },
  };
}
