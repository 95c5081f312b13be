/** A model that follows a script: it calls a tool for each customer, and then says that it is done. */
export function refundModel(customers: readonly string[]) {
  let turn = 0;
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: 1, reasoning: undefined },
  };
  const doGenerate = async () => {
    const customer = customers[turn];
    turn += 1;
    if (customer === undefined) {
      const content = [{ type: "text" as const, text: "All refunds are paid." }];
      return {
        content,
        finishReason: { unified: "stop" as const, raw: undefined },
        usage,
        warnings: [],
      };
    }
    const call = {
      type: "tool-call" as const,
      toolCallId: `call-${turn}`,
      toolName: "payRefund",
      input: JSON.stringify({ customer }),
    };
    const finishReason = { unified: "tool-calls" as const, raw: undefined };
    return { content: [call], finishReason, usage, warnings: [] };
  };
  return {
    specificationVersion: "v3" as const,
    provider: "fake",
    modelId: "refunds",
    supportedUrls: {},
    doGenerate,
    doStream: () => Promise.reject(new Error("this example does not stream")),
    /** How often it was asked. */
    get turns(): number {
      return turn;
    },
  };
}
