import { MockLanguageModelV4, simulateReadableStream } from "ai/test";

const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

/** The SDK's own fake, in place of a provider's model: it has a refund for everyone, one a step. */
export function refundModel(customers: readonly string[]): MockLanguageModelV4 {
  const waiting = [...customers];
  return new MockLanguageModelV4({
    modelId: "refund-model",
    doStream: async () => {
      const customer = waiting.shift();
      if (customer === undefined) {
        return {
          stream: simulateReadableStream({
            chunks: [
              { type: "text-start", id: "1" },
              { type: "text-delta", id: "1", delta: "All refunds are paid." },
              { type: "text-end", id: "1" },
              { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: USAGE },
            ],
          }),
        };
      }
      const input = JSON.stringify({ customer });
      return {
        stream: simulateReadableStream({
          chunks: [
            { type: "tool-call", toolCallId: customer, toolName: "payRefund", input },
            {
              type: "finish",
              finishReason: { unified: "tool-calls", raw: "tool_calls" },
              usage: USAGE,
            },
          ],
        }),
      };
    },
  });
}
