// oxlint-disable no-underscore-dangle -- LangChain's own names
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import type { ChatResult } from "@langchain/core/outputs";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import type { World } from "./harness.ts";

/** A chat model that calls the tool `search` once, if it was bound to tools, and then is done. */
export class FakeChatModel extends BaseChatModel {
  readonly world: World;
  hasTools = false;

  constructor(world: World) {
    super({});
    this.world = world;
  }

  override _llmType(): string {
    return "fake";
  }

  override bindTools(): FakeChatModel {
    const bound = new FakeChatModel(this.world);
    bound.hasTools = true;
    return bound;
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    await this.world.enter("model");
    const message = new AIMessage(this.answer(messages));
    return { generations: [{ text: message.text ?? "", message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
  ): AsyncGenerator<ChatGenerationChunk> {
    await this.world.enter("model");
    const message = new AIMessageChunk(this.answer(messages));
    yield new ChatGenerationChunk({ text: "done", message });
  }

  answer(messages: BaseMessage[]) {
    if (!this.hasTools || messages.some((message) => message.getType() === "tool")) {
      return { content: "done" };
    }
    const call = { name: "search", args: { query: "cats" }, id: "call-1" };
    return { content: "", tool_calls: [{ ...call, type: "tool_call" as const }] };
  }
}

export const searchTool = (world: World) =>
  tool(
    async ({ query }: { query: string }) => {
      await world.enter("search");
      return `found ${query}`;
    },
    { name: "search", description: "Looks.", schema: z.object({ query: z.string() }) },
  );
