// oxlint-disable no-underscore-dangle -- LangChain's own names
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { AIMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk, ChatResult } from "@langchain/core/outputs";
import { fakeModel } from "@langchain/core/testing";
import type { FakeBuiltModel } from "@langchain/core/testing";
import { StructuredTool, tool } from "@langchain/core/tools";
import type { DynamicStructuredTool } from "@langchain/core/tools";
import { FakeListChatModel, FakeLLM, FakeStreamingLLM } from "@langchain/core/utils/testing";
import { z } from "zod";
import type { Scene } from "./scene.ts";

/** LangChain's own fake, which tells the scene when a request would be sent. */
export class SceneChatModel extends FakeListChatModel {
  readonly scene: Scene;

  constructor(scene: Scene, responses: string[] = ["hello"]) {
    super({ responses });
    this.scene = scene;
  }

  override async _generate(
    messages: BaseMessage[],
    options?: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    await this.scene.enter("model");
    return super._generate(messages, options, runManager);
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    await this.scene.enter("model");
    yield* super._streamResponseChunks(messages, options, runManager);
  }
}

export class SceneLLM extends FakeLLM {
  readonly scene: Scene;

  constructor(scene: Scene) {
    super({ response: "hello" });
    this.scene = scene;
  }

  override async _call(...args: Parameters<FakeLLM["_call"]>): Promise<string> {
    await this.scene.enter("model");
    return super._call(...args);
  }
}

export class SceneStreamingLLM extends FakeStreamingLLM {
  readonly scene: Scene;

  constructor(scene: Scene) {
    super({ responses: ["hello"] });
    this.scene = scene;
  }

  override async *_streamResponseChunks(
    ...args: Parameters<FakeStreamingLLM["_streamResponseChunks"]>
  ): ReturnType<FakeStreamingLLM["_streamResponseChunks"]> {
    await this.scene.enter("model");
    yield* super._streamResponseChunks(...args);
  }
}

const querySchema = z.object({ query: z.string() });

export type SceneTool = DynamicStructuredTool<typeof querySchema>;

/** A tool that tells the scene when it begins. */
export function sceneTool(scene: Scene, name: string): SceneTool {
  const found = async ({ query }: { query: string }): Promise<string> => {
    await scene.enter(name);
    return `${name} found ${query}`;
  };
  return tool(found, { name, description: `Looks in ${name}.`, schema: querySchema });
}

/** A tool as a class, with a private member that only its body uses. */
export class ClassTool extends StructuredTool {
  override name = "search";
  override description = "Looks.";
  override schema = z.object({ query: z.string() });
  readonly #scene: Scene;

  constructor(scene: Scene) {
    super();
    this.#scene = scene;
  }

  protected override async _call({ query }: { query: string }): Promise<string> {
    await this.#scene.enter("search");
    return `found ${query}`;
  }
}

export const callOf = (name: string, id: string = name) => ({
  name,
  args: { query: id },
  id,
  type: "tool_call" as const,
});

/** A model that calls the named tools, all at once, and then is done. */
export function callingModel(scene: Scene, ...names: string[]): FakeBuiltModel {
  return fakeModel()
    .respond(() => {
      void scene.enter("model 1");
      const tool_calls = names.map((name, index) => callOf(name, `${name}-${index}`));
      return new AIMessage({ content: "", tool_calls, id: "answer-1" });
    })
    .respond(() => {
      void scene.enter("model 2");
      return new AIMessage({ content: "done", id: "answer-2" });
    })
    .respond(() => {
      void scene.enter("model 3");
      return new AIMessage({ content: "done again", id: "answer-3" });
    });
}
