import { RunnableLambda } from "@langchain/core/runnables";
import type { BaseMessage } from "@langchain/core/messages";
import { HumanMessage } from "@langchain/core/messages";
import { createAgent, createMiddleware } from "langchain";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  createGuardCallbackHandler,
  guardMiddleware,
  guardModel,
  guardNode,
  guardRunnable,
  guardTool,
  guardTools,
} from "../../../integrations/langchain/index.ts";
import { InvalidArgumentError } from "../../../src/index.ts";
import { callingModel, SceneChatModel, sceneTool } from "./scene-models.ts";
import { openScene } from "./scene.ts";

const start = { messages: [new HumanMessage("go")] };

describe("guarding twice is guarding once", () => {
  test("a runnable", async () => {
    await using scene = await openScene();
    const once = guardRunnable(
      scene.guard,
      RunnableLambda.from((text: string) => text),
    );
    expect(guardRunnable(scene.guard, once)).toBe(once);
  });

  test("a tool", async () => {
    await using scene = await openScene();
    const once = guardTool(scene.guard, sceneTool(scene, "search"));
    const [twice] = guardTools(scene.guard, [once]);
    expect(twice).toBe(once);
    await twice.invoke({ query: "cats" });
    expect(scene.authority.validations).toBe(1);
  });

  test("a model, and what it binds", async () => {
    await using scene = await openScene();
    const once = guardModel(scene.guard, callingModel(scene));
    expect(guardModel(scene.guard, once)).toBe(once);
    await guardRunnable(scene.guard, once).bindTools([]).invoke("hi");
    expect(scene.authority.validations).toBe(1);
  });

  test("a model whose methods call one another", async () => {
    await using scene = await openScene();
    const model = guardModel(scene.guard, new SceneChatModel(scene));
    for await (const _ of model.streamEvents("hi"));
    expect(scene.authority.validations).toBe(1);
  });

  test("a node", async () => {
    await using scene = await openScene();
    const once = guardNode(scene.guard, async (state: { x: number }) => state);
    expect(guardNode(scene.guard, once)).toBe(once);
    await once({ x: 1 });
    expect(scene.authority.validations).toBe(1);
  });

  test("a handler that is passed twice", async () => {
    await using scene = await openScene();
    const handler = createGuardCallbackHandler(scene.guard);
    expect(handler.copy()).toBe(handler);
    await RunnableLambda.from((text: string) => text).invoke("in", {
      callbacks: [handler, handler],
    });
    expect(scene.authority.validations).toBe(1);
  });
});

test("the middleware asks once for the agent, once for a model call, once for a tool call", async () => {
  await using scene = await openScene();
  const agent = createAgent({
    model: callingModel(scene, "search"),
    tools: [sceneTool(scene, "search")],
    middleware: [guardMiddleware(scene.guard)],
  });
  await agent.invoke(start);
  const boundaries = scene.events.flatMap((event) =>
    event.type === "check" ? [event.boundary] : [],
  );
  expect(boundaries.map(({ kind }) => kind)).toEqual(["run", "model", "tool", "model"]);
});

test("a body that begins in a later turn than its hook asks for itself", async () => {
  await using scene = await openScene();
  const waits = createMiddleware({
    name: "Waits",
    wrapModelCall: async (request, handler) => {
      await delay(1);
      return handler(request);
    },
  });
  const agent = createAgent({
    model: callingModel(scene),
    tools: [],
    middleware: [guardMiddleware(scene.guard), waits],
  });
  await agent.invoke(start);
  const kinds = scene.events.flatMap((event) =>
    event.type === "check" ? [event.boundary.kind] : [],
  );
  expect(kinds).toEqual(["run", "model", "model"]);
});

test("two middlewares of one agent need two names", async () => {
  await using scene = await openScene();
  const make = (name?: string) =>
    createAgent({
      model: callingModel(scene),
      tools: [],
      middleware: [guardMiddleware(scene.guard), guardMiddleware(scene.guard, { name })],
    });
  expect(() => make()).toThrow("defined multiple times");
  expect(() => make("Second")).not.toThrow();
});

test("what was guarded is left as it was", async () => {
  await using scene = await openScene("revoked");
  const tool = sceneTool(scene, "search");
  const { func } = tool;
  const guarded = guardTool(scene.guard, tool);
  expect(guarded).not.toBe(tool);
  expect(guarded.name).toBe("search");
  expect(tool.func).toBe(func);
  await expect(tool.invoke({ query: "cats" })).resolves.toBe("search found cats");
});

test("two guards each ask, and each has its own run", async () => {
  await using inner = await openScene();
  await using outer = await openScene();
  const chain = guardRunnable(
    outer.guard,
    RunnableLambda.from((_text: string, config) =>
      guardTool(outer.guard, guardTool(inner.guard, sceneTool(inner, "search"))).invoke(
        { query: "cats" },
        config,
      ),
    ),
  );
  await expect(chain.invoke("in")).resolves.toBe("search found cats");
  expect(inner.authority.validations).toBe(1);
  const runs = outer.events.flatMap((event) => (event.type === "check" ? [event.runId] : []));
  expect(runs.length).toBeGreaterThan(2);
  expect(new Set(runs).size).toBe(1);
  await inner.authority.become("revoked");
  await expect(chain.invoke("in")).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
});

test("guardTools leaves tools of the model's provider, and refuses what it cannot gate", async () => {
  await using scene = await openScene();
  const provided = { type: "web_search" };
  const [same] = guardTools(scene.guard, [provided]);
  expect(same).toBe(provided);
  const bare = { name: "search", execute: (messages: BaseMessage[]) => messages.length };
  expect(() => guardTools(scene.guard, [bare])).toThrow(InvalidArgumentError);
});
