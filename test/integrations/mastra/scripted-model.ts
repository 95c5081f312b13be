import type { MastraModelConfig } from "@mastra/core/llm";

/** What a model says in one step: text, or a call of a tool with its input. */
export type Turn = { readonly text: string } | { readonly tool: string; readonly input: object };

export const says = (text: string): Turn => ({ text });
export const calls = (tool: string, input: object = {}): Turn => ({ tool, input });

/** A model of the AI SDK 6 that follows a script, tells when it is entered, and ignores signals. */
export function scriptedModel(
  turns: readonly Turn[],
  enter: (body: string) => void | Promise<void>,
): Extract<MastraModelConfig, { specificationVersion: "v3" }> {
  let step = 0;
  const next = async (): Promise<Turn> => {
    const turn = turns[Math.min(step, turns.length - 1)] ?? says("");
    step += 1;
    await enter("model");
    return turn;
  };
  const tokens = { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined };
  const usage = { inputTokens: tokens, outputTokens: { total: 1, text: 1, reasoning: undefined } };
  const finishOf = (turn: Turn) =>
    ({ unified: "text" in turn ? "stop" : "tool-calls", raw: undefined }) as const;
  const callOf = (turn: Extract<Turn, { tool: string }>) =>
    ({
      type: "tool-call",
      toolCallId: `call-${step}`,
      toolName: turn.tool,
      input: JSON.stringify(turn.input),
    }) as const;
  return {
    specificationVersion: "v3",
    provider: "scripted",
    modelId: "model",
    supportedUrls: {},
    doGenerate: async () => {
      const turn = await next();
      const content = "text" in turn ? ({ type: "text", text: turn.text } as const) : callOf(turn);
      return { content: [content], finishReason: finishOf(turn), usage, warnings: [] };
    },
    doStream: async () => {
      const turn = await next();
      const said =
        "text" in turn
          ? ([
              { type: "text-start", id: "1" },
              { type: "text-delta", id: "1", delta: turn.text },
              { type: "text-end", id: "1" },
            ] as const)
          : ([callOf(turn)] as const);
      const start = { type: "stream-start" as const, warnings: [] };
      const finish = { type: "finish", finishReason: finishOf(turn), usage } as const;
      return {
        stream: new ReadableStream({
          start(controller) {
            for (const part of [start, ...said, finish]) controller.enqueue(part);
            controller.close();
          },
        }),
      };
    },
  };
}

/** What goes on when a stop comes: the call of a model, its stream, or the tools that it calls. */
export type Flight = "call" | "stream" | { readonly calls: readonly string[] };

interface GoesOn {
  enter(body: string): void;
  goOn(body: string, signal: AbortSignal | undefined): Promise<void>;
}

type Model = Extract<MastraModelConfig, { specificationVersion: "v3" }>;

/** A model of the AI SDK 6 that goes on for long, where it is told to. */
export function hangingModel(flight: Flight, stage: GoesOn, input: object = {}): Model {
  const model = scriptedModel([says("done")], () => undefined);
  const isCalling = typeof flight === "object";
  const tokens = { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined };
  const usage = { inputTokens: tokens, outputTokens: { total: 1, text: 1, reasoning: undefined } };
  const finishReason = { unified: isCalling ? "tool-calls" : "stop", raw: undefined } as const;
  const content = isCalling
    ? flight.calls.map((toolName) => {
        const call = { type: "tool-call", toolCallId: toolName, toolName } as const;
        return { ...call, input: JSON.stringify(input) };
      })
    : [];
  const begin = async (signal: AbortSignal | undefined): Promise<void> => {
    if (flight === "call") await stage.goOn("model", signal);
    else stage.enter("model");
  };
  async function* parts(signal: AbortSignal | undefined) {
    yield { type: "stream-start" as const, warnings: [] };
    yield* content;
    if (flight === "stream") {
      yield { type: "text-start" as const, id: "1" };
      yield { type: "text-delta" as const, id: "1", delta: "half" };
      await stage.goOn("model", signal);
    }
    yield { type: "finish" as const, finishReason, usage };
  }
  return {
    ...model,
    doGenerate: async ({ abortSignal }) => {
      await begin(abortSignal);
      return { content, finishReason, usage, warnings: [] };
    },
    doStream: async ({ abortSignal }) => {
      await begin(abortSignal);
      return { stream: ReadableStream.from(parts(abortSignal)) };
    },
  };
}
