import { randomUUID } from "node:crypto";
import type { LanguageModel } from "ai";
import type { Assignment, Performer } from "./performer.ts";
import { TOOL_NAME } from "./performer.ts";

type SpecificationVersion = "v2" | "v3";

/**
 * An agent of the AI SDK's `generateText`, with the whole call guarded. Its model
 * is scripted: it calls the tool for as long as there is more to do.
 *
 * @throws ERR_MODULE_NOT_FOUND when the AI SDK is not installed
 */
export async function loadAiSdk(): Promise<Performer> {
  const ai = await import("ai");
  const { guardCall } = await import("../../../integrations/ai-sdk/index.ts");
  // Version 5 knows v2 alone; its successors warn of it.
  const version: SpecificationVersion = "ToolLoopAgent" in ai ? "v3" : "v2";

  return (guard) => async (assignment) => {
    const sendReport = ai.tool({
      description: "Sends a report",
      inputSchema: ai.jsonSchema<Record<string, never>>({ type: "object", properties: {} }),
      execute: async () => {
        await assignment.act();
        return "sent";
      },
    });
    await guardCall(
      guard,
      ai.generateText,
    )({
      model: scriptedModel(assignment, version),
      tools: { [TOOL_NAME]: sendReport },
      prompt: "Send the reports, one by one.",
      stopWhen: () => false,
      maxRetries: 0,
      abortSignal: assignment.signal,
    });
  };
}

/** A language model by its interface alone, in the form that the installed SDK expects. */
function scriptedModel(assignment: Assignment, version: SpecificationVersion): LanguageModel {
  const model = {
    specificationVersion: version,
    provider: "demo",
    modelId: "scripted",
    supportedUrls: {},
    doGenerate: async () => {
      const hasMore = assignment.hasMore();
      return {
        content: hasMore
          ? [{ type: "tool-call", toolCallId: randomUUID(), toolName: TOOL_NAME, input: "{}" }]
          : [{ type: "text", text: "All reports are sent." }],
        warnings: [],
        ...endOf(hasMore ? "tool-calls" : "stop", version),
      };
    },
    doStream: () => Promise.reject(new Error("the demo does not stream")),
  };
  return model as unknown as LanguageModel;
}

/** Why the model ended, and what it cost: the two things that v3 spells otherwise. */
function endOf(reason: "tool-calls" | "stop", version: SpecificationVersion): object {
  if (version === "v2") {
    return {
      finishReason: reason,
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
    };
  }
  return {
    finishReason: { unified: reason, raw: reason },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    },
  };
}
