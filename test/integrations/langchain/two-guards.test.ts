// oxlint-disable no-underscore-dangle -- LangChain's own names
import { HumanMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, test } from "vitest";
import {
  guardMiddleware,
  guardModel,
  guardRunnable,
} from "../../../integrations/langchain/index.ts";
import { findExecutionStopped } from "../../../src/index.ts";
import { callingModel, SceneChatModel, SceneLLM } from "./scene-models.ts";
import { drain, openScene } from "./scene.ts";

const prompt = [new HumanMessage("hi")];
const words = RunnableLambda.from((message: { content: unknown }) => message.content);

const uses: Record<string, (model: SceneChatModel) => Promise<unknown>> = {
  invoke: (model) => model.invoke("hi"),
  stream: (model) => drain(model.stream("hi")),
  batch: (model) => model.batch(["hi"]),
  generate: (model) => model.generate([prompt]),
  "streamEvents v2": (model) => drain(model.streamEvents("hi", { version: "v2" })),
  "streamEvents, its default": (model) => drain(model.streamEvents("hi")),
  withConfig: (model) => model.withConfig({ tags: ["t"] }).invoke("hi"),
  withRetry: (model) => model.withRetry({ stopAfterAttempt: 2 }).invoke("hi"),
  pipe: (model) => model.pipe(words).invoke("hi"),
  _generate: (model) => model._generate(prompt, {}),
};

describe.each(Object.entries(uses))("a model that two guards guard: %s", (_name, use) => {
  test.each(["outer", "inner"] as const)("begins nothing when the %s one denies", async (who) => {
    await using inner = await openScene(who === "inner" ? "revoked" : "allow");
    await using outer = await openScene(who === "outer" ? "revoked" : "allow");
    const model = guardModel(outer.guard, guardModel(inner.guard, new SceneChatModel(inner)));
    const error: unknown = await use(model).catch((thrown: unknown) => thrown);
    expect(findExecutionStopped(error)).toMatchObject({ code: "DEVICE_REVOKED" });
    expect(inner.entered).toEqual([]);
  });

  test("asks both when both allow", async () => {
    await using inner = await openScene();
    await using outer = await openScene();
    await use(guardModel(outer.guard, guardModel(inner.guard, new SceneChatModel(inner))));
    expect(inner.entered).toEqual(["model"]);
    expect([inner.authority.validations, outer.authority.validations]).toEqual([1, 1]);
  });
});

test("a second guard around what a guarded model binds, or around an LLM, is asked", async () => {
  await using inner = await openScene();
  await using outer = await openScene("revoked");
  const bound = guardModel(inner.guard, callingModel(inner)).bindTools([]);
  await expect(guardRunnable(outer.guard, bound).invoke("hi")).rejects.toThrow("DEVICE_REVOKED");
  const chat = guardModel(inner.guard, new SceneChatModel(inner));
  await expect(guardRunnable(outer.guard, chat).invoke("hi")).rejects.toThrow("DEVICE_REVOKED");
  const llm = guardModel(outer.guard, guardModel(inner.guard, new SceneLLM(inner)));
  await expect(llm.invoke("hi")).rejects.toThrow("DEVICE_REVOKED");
  expect(inner.entered).toEqual([]);
});

test("a retry inside the middleware asks its guard again, though the model has another", async () => {
  await using inner = await openScene();
  await using outer = await openScene();
  inner.onEnter.set("model", async () => {
    await outer.authority.become("revoked");
    throw new Error("flaky");
  });
  class Bindable extends SceneChatModel {
    override bindTools(): ReturnType<SceneChatModel["withConfig"]> {
      return this.withConfig({});
    }
  }
  const retry = createMiddleware({
    name: "Retry",
    wrapModelCall: async (request, handler) => {
      try {
        return await handler(request);
      } catch {
        return await handler(request);
      }
    },
  });
  const agent = createAgent({
    model: guardModel(inner.guard, new Bindable(inner)),
    tools: [],
    middleware: [guardMiddleware(outer.guard), retry],
  });
  await expect(agent.invoke({ messages: prompt })).rejects.toThrow("DEVICE_REVOKED");
  expect(inner.entered).toEqual(["model"]);
});

test("an agent with a model that two guards guard begins nothing when the outer one denies", async () => {
  await using inner = await openScene();
  await using outer = await openScene("revoked");
  const model = guardModel(outer.guard, guardModel(inner.guard, callingModel(inner)));
  const agent = createAgent({ model, tools: [] });
  await expect(agent.invoke({ messages: prompt })).rejects.toThrow("DEVICE_REVOKED");
  expect(inner.entered).toEqual([]);
});
