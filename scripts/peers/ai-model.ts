import type { World } from "./harness.ts";

/** A model of the kind that major version `major` of `ai` has: it calls the tool `search`, then is done. */
export function fakeModel(major: number, { enter }: World): object {
  let step = 0;
  const next = async () => {
    await enter("model");
    step += 1;
    const isDone = step > 1;
    const call = { type: "tool-call", toolCallId: "call-1", toolName: "search", input: "{}" };
    const reason = isDone ? "stop" : "tool-calls";
    return {
      content: isDone ? [{ type: "text", text: "done" }] : [call],
      finishReason: major < 6 ? reason : { unified: reason, raw: reason },
      usage: usageOf(major),
      warnings: [],
    };
  };
  return {
    specificationVersion: `v${major - 3}`,
    provider: "fake",
    modelId: "fake",
    supportedUrls: {},
    doGenerate: next,
    doStream: async () => {
      const { content, ...end } = await next();
      const said = content.flatMap((part): object[] =>
        part.type === "text"
          ? [
              { type: "text-start", id: "1" },
              { type: "text-delta", id: "1", delta: "done" },
              { type: "text-end", id: "1" },
            ]
          : [part],
      );
      const parts = [{ type: "stream-start", warnings: [] }, ...said, { ...end, type: "finish" }];
      return { stream: ReadableStream.from(parts) };
    },
  };
}

function usageOf(major: number): object {
  if (major < 6) return { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  const inputTokens = { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined };
  return { inputTokens, outputTokens: { total: 1, text: 1, reasoning: undefined } };
}
