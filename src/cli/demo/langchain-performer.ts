import { randomUUID } from "node:crypto";
import type { BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { Assignment, Performer } from "./performer.ts";
import { TOOL_NAME } from "./performer.ts";

/**
 * An agent of LangChain's `createAgent`, guarded by the middleware. Its model is
 * scripted: it calls the tool for as long as there is more to do.
 *
 * @throws ERR_MODULE_NOT_FOUND when LangChain is not installed
 */
export async function loadLangChain(): Promise<Performer> {
  const { createAgent, tool } = await import("langchain");
  const { BaseChatModel } = await import("@langchain/core/language_models/chat_models");
  const { AIMessage } = await import("@langchain/core/messages");
  const { guardMiddleware } = await import("../../../integrations/langchain/index.ts");

  class ScriptedModel extends BaseChatModel {
    readonly #assignment: Assignment;

    constructor(assignment: Assignment) {
      super({});
      this.#assignment = assignment;
    }

    _llmType(): string {
      return "scripted";
    }

    override bindTools(): this {
      return this;
    }

    async _generate(_messages: BaseMessage[]): Promise<ChatResult> {
      const message = this.#assignment.hasMore()
        ? new AIMessage({
            content: "",
            tool_calls: [{ type: "tool_call", id: randomUUID(), name: TOOL_NAME, args: {} }],
          })
        : new AIMessage("All reports are sent.");
      return { generations: [{ message, text: message.text }] };
    }
  }

  return (guard) => async (assignment) => {
    const sendReport = tool(
      async () => {
        await assignment.act();
        return "sent";
      },
      {
        name: TOOL_NAME,
        description: "Sends a report",
        schema: { type: "object", properties: {} },
      },
    );
    const agent = createAgent({
      model: new ScriptedModel(assignment),
      tools: [sendReport],
      middleware: [guardMiddleware(guard)],
    });
    await agent.invoke(
      { messages: [{ role: "user", content: "Send the reports, one by one." }] },
      { signal: assignment.signal, recursionLimit: 10_000 },
    );
  };
}
