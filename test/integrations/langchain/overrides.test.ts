// oxlint-disable no-underscore-dangle -- LangChain's own names
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { createAgent } from "langchain";
import { ConfigurableModel } from "langchain/chat_models/universal";
import { afterEach, describe, expect, test, vi } from "vitest";
import { guardModel, guardRunnable, guardTool } from "../../../integrations/langchain/index.ts";
import { InvalidArgumentError } from "../../../src/index.ts";
import { callingModel, ClassTool, SceneLLM } from "./scene-models.ts";
import { openScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

class PlainModel extends BaseChatModel {
  readonly scene: Scene;

  constructor(scene: Scene) {
    super({});
    this.scene = scene;
  }

  override _llmType(): string {
    return "plain";
  }

  override async _generate(): Promise<ChatResult> {
    await this.scene.enter("model");
    return { generations: [{ text: "hi", message: new AIMessage("hi") }] };
  }
}

class OwnInvoke extends PlainModel {
  override async invoke(): ReturnType<BaseChatModel["invoke"]> {
    await this.scene.enter("invoke");
    return new AIMessage("hi") as Awaited<ReturnType<BaseChatModel["invoke"]>>;
  }
}

class ArrowInvoke extends PlainModel {
  override invoke = async (): ReturnType<BaseChatModel["invoke"]> => {
    await this.scene.enter("arrow");
    return new AIMessage("hi") as Awaited<ReturnType<BaseChatModel["invoke"]>>;
  };
}

class OwnGenerate extends PlainModel {
  override async generate(): ReturnType<BaseChatModel["generate"]> {
    await this.scene.enter("generate");
    return { generations: [[{ text: "hi", message: new AIMessage("hi") } as never]] };
  }
}

class OwnUncached extends PlainModel {
  override _generateUncached(
    ...args: Parameters<BaseChatModel["_generateUncached"]>
  ): ReturnType<BaseChatModel["_generateUncached"]> {
    return super._generateUncached(...args);
  }
}

class Router extends PlainModel {
  override invoke(
    ...args: Parameters<BaseChatModel["invoke"]>
  ): ReturnType<BaseChatModel["invoke"]> {
    return new PlainModel(this.scene).invoke(...args);
  }
}

describe.each([OwnInvoke, ArrowInvoke, OwnGenerate, OwnUncached, Router])(
  "a model with a way in of its own: %o",
  (Model) => {
    test("begins nothing once denied", async () => {
      await using scene = await openScene("revoked");
      const { guard } = scene;
      for (const model of [
        guardModel(guard, new Model(scene)),
        guardRunnable(guard, new Model(scene)),
      ]) {
        await expect(model.invoke("hi")).rejects.toThrow("DEVICE_REVOKED");
      }
      expect(scene.entered).toEqual([]);
    });

    test("begins when allowed, also under two guards", async () => {
      await using scene = await openScene();
      await using other = await openScene();
      const model = guardModel(other.guard, guardModel(scene.guard, new Model(scene)));
      await expect(model.invoke("hi")).resolves.toMatchObject({ content: "hi" });
      expect(scene.entered).toHaveLength(1);
      await other.authority.become("revoked");
      await expect(model.invoke("hi")).rejects.toThrow("DEVICE_REVOKED");
      expect(scene.entered).toHaveLength(1);
    });
  },
);

describe("a model that loads the provider's model when it is called", () => {
  const modelOf = (scene: Scene): ConfigurableModel => {
    const model = new ConfigurableModel({ defaultConfig: {}, configurableFields: ["model"] });
    vi.spyOn(ConfigurableModel.prototype, "_getModelInstance").mockImplementation(
      // In place of a provider's package, which would be loaded here.
      async () => callingModel(scene),
    );
    return model;
  };
  afterEach(() => vi.restoreAllMocks());
  const go = { messages: [new HumanMessage("go")] };

  test.each<[string, (guarded: ConfigurableModel) => Promise<unknown>]>([
    ["bound to tools", (guarded) => guarded.bindTools([]).invoke("hi")],
    ["with a config", (guarded) => guarded.withConfig({ tags: ["t"] }).invoke("hi")],
    ["in an agent", (guarded) => createAgent({ model: guarded, tools: [] }).invoke(go)],
  ])("is gated %s", async (_case, use) => {
    await using scene = await openScene();
    await use(guardModel(scene.guard, modelOf(scene)));
    expect(scene.entered).toEqual(["model 1"]);
    await scene.authority.become("revoked");
    await expect(use(guardModel(scene.guard, modelOf(scene)))).rejects.toThrow("DEVICE_REVOKED");
    expect(scene.entered).toEqual(["model 1"]);
  });
});

test("an LLM asks for each prompt that it calls its body for", async () => {
  await using scene = await openScene();
  await guardModel(scene.guard, new SceneLLM(scene)).generate(["a", "b"]);
  const checks = scene.events.flatMap((event) => (event.type === "check" ? [event.runId] : []));
  expect(scene.entered).toEqual(["model", "model"]);
  expect(checks).toHaveLength(2);
  expect(new Set(checks).size).toBe(1);
});

class OwnToolInvoke extends ClassTool {
  readonly scene: Scene;

  constructor(scene: Scene) {
    super(scene);
    this.scene = scene;
  }

  override async invoke(): Promise<never> {
    await this.scene.enter("invoke");
    return "found" as never;
  }
}

class OwnToolCall extends OwnToolInvoke {
  override invoke(...args: unknown[]): Promise<never> {
    return Reflect.apply(
      Reflect.get(ClassTool.prototype, "invoke") as () => Promise<never>,
      this,
      args,
    );
  }

  override async call(): Promise<never> {
    await this.scene.enter("call");
    return "found" as never;
  }
}

class OwnToolBatch extends OwnToolInvoke {
  override async batch(): Promise<never[]> {
    await this.scene.enter("batch");
    return [];
  }
}

describe.each([OwnToolInvoke, OwnToolCall])("a tool with a way in of its own: %o", (Tool) => {
  test("begins nothing once denied", async () => {
    await using scene = await openScene("revoked");
    for (const guarded of [
      guardTool(scene.guard, new Tool(scene)),
      guardRunnable(scene.guard, new Tool(scene)),
    ]) {
      await expect(guarded.invoke()).rejects.toThrow("DEVICE_REVOKED");
    }
    const refusing = guardTool(scene.guard, new Tool(scene), { onDeny: "refuse" });
    await expect(refusing.invoke({ query: "cats" } as never)).resolves.toContain(
      "execution_denied",
    );
    expect(scene.entered).toEqual([]);
  });

  test("begins when allowed, also under two guards", async () => {
    await using scene = await openScene();
    await using other = await openScene();
    const tool = guardTool(other.guard, guardTool(scene.guard, new Tool(scene)));
    await expect(tool.invoke({ query: "cats" } as never)).resolves.toBe("found");
    expect(scene.entered).toHaveLength(1);
    await other.authority.become("revoked");
    await expect(tool.invoke({ query: "cats" } as never)).rejects.toThrow("DEVICE_REVOKED");
    expect(scene.entered).toHaveLength(1);
  });
});

test("a tool with a batch of its own is gated there, and cannot refuse", async () => {
  await using scene = await openScene("revoked");
  const tool = new OwnToolBatch(scene);
  await expect(guardTool(scene.guard, tool).batch()).rejects.toThrow("DEVICE_REVOKED");
  expect(() => guardTool(scene.guard, tool, { onDeny: "refuse" })).toThrow(InvalidArgumentError);
  expect(scene.entered).toEqual([]);
});
