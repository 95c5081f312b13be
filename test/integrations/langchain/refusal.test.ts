import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { tool } from "@langchain/core/tools";
import { Command, interrupt, isInterrupted, MemorySaver } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  guardMiddleware,
  guardRunnable,
  guardTool,
} from "../../../integrations/langchain/index.ts";
import { ExecutionDeniedError, findExecutionStopped } from "../../../src/index.ts";
import { callingModel, callOf, SceneChatModel, sceneTool } from "./scene-models.ts";
import { openScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

vi.spyOn(console, "error").mockImplementation(() => undefined);

const start = { messages: [new HumanMessage("go")] };
const schema = z.object({ query: z.string() });
const PAYLOAD = '{"reason":"execution_denied","code":"DEVICE_REVOKED","retryable":false}';

describe("a refusal", () => {
  test("is all that the model learns, as the error message of the tool", async () => {
    await using scene = await openScene("revoked");
    const search = guardTool(scene.guard, sceneTool(scene, "search"), { onDeny: "refuse" });
    const call = new AIMessage({ content: "", tool_calls: [callOf("search", "call-1")] });
    const { messages } = await new ToolNode([search]).invoke({ messages: [call] });
    expect(messages).toHaveLength(1);
    expect(ToolMessage.isInstance(messages[0]) && messages[0]).toMatchObject({
      status: "error",
      content: PAYLOAD,
      tool_call_id: "call-1",
      name: "search",
    });
  });

  test("is text for a call without an id, and a pair for a tool with artifacts", async () => {
    await using scene = await openScene("revoked");
    const search = guardTool(scene.guard, sceneTool(scene, "search"), { onDeny: "refuse" });
    await expect(search.invoke({ query: "cats" })).resolves.toBe(PAYLOAD);
    const paired = tool(() => ["content", {}], {
      name: "paired",
      description: "Two.",
      schema,
      responseFormat: "content_and_artifact",
    });
    const guarded = guardTool(scene.guard, paired, { onDeny: "refuse" });
    const answer = await guarded.invoke(callOf("paired"));
    expect(answer).toMatchObject({ status: "error", content: PAYLOAD });
  });

  test("by middleware lets the agent go on when the authority is back", async () => {
    await using scene = await openScene();
    scene.authority.onValidation = (count) =>
      scene.authority.become(count === 3 ? "revoked" : "allow");
    const agent = createAgent({
      model: callingModel(scene, "search"),
      tools: [sceneTool(scene, "search")],
      middleware: [guardMiddleware(scene.guard, { onDeny: "refuse" })],
    });
    const { messages } = await agent.invoke(start);
    expect(scene.entered).toEqual(["model 1", "model 2"]);
    expect(messages[2]).toMatchObject({ status: "error", content: PAYLOAD });
  });
});

describe("a retry inside the middleware", () => {
  const failingOnce = (scene: Scene) => {
    let attempts = 0;
    return tool(
      async () => {
        await scene.enter("search");
        attempts += 1;
        if (attempts === 1) throw new Error("not now");
        return "found";
      },
      { name: "search", description: "Fails once.", schema },
    );
  };
  const agentOf = (scene: Scene) =>
    createAgent({
      model: callingModel(scene, "search"),
      tools: [failingOnce(scene)],
      middleware: [
        guardMiddleware(scene.guard),
        createMiddleware({
          name: "Retrying",
          wrapToolCall: async (request, handler) => {
            try {
              return await handler(request);
            } catch {
              return handler(request);
            }
          },
        }),
      ],
    });

  test("is asked about", async () => {
    await using scene = await openScene();
    scene.onEnter.set("search", () => scene.authority.become("revoked"));
    const error = await agentOf(scene)
      .invoke(start)
      .catch((thrown: unknown) => thrown);
    expect(scene.entered).toEqual(["model 1", "search"]);
    expect(findExecutionStopped(error)).toBeInstanceOf(ExecutionDeniedError);
  });

  test("goes on when it is allowed", async () => {
    await using scene = await openScene();
    await agentOf(scene).invoke(start);
    expect(scene.entered).toEqual(["model 1", "search", "search", "model 2"]);
  });
});

test("a denial that a middleware inside swallowed is refused with the payload all the same", async () => {
  await using scene = await openScene();
  scene.onEnter.set("search", () => scene.authority.become("revoked"));
  const broken = tool(
    async () => {
      await scene.enter("search");
      throw new Error("not now");
    },
    { name: "search", description: "Fails.", schema },
  );
  const swallowing = createMiddleware({
    name: "Swallowing",
    wrapToolCall: async (request, handler) => {
      try {
        return await handler(request);
      } catch {
        await Promise.resolve(handler(request)).catch(() => scene.authority.become("allow"));
        return new ToolMessage({ content: "fine", tool_call_id: request.toolCall.id ?? "" });
      }
    },
  });
  const agent = createAgent({
    model: callingModel(scene, "search"),
    tools: [broken],
    middleware: [guardMiddleware(scene.guard, { onDeny: "refuse" }), swallowing],
  });
  const { messages } = await agent.invoke(start);
  expect(messages[2]).toMatchObject({ status: "error", content: PAYLOAD });
  expect(scene.entered).toEqual(["model 1", "search", "model 2"]);
});

test("an allow does not keep: a tool that a middleware inside delayed is asked about again", async () => {
  await using scene = await openScene();
  const delaying = createMiddleware({
    name: "Delaying",
    wrapToolCall: async (request, handler) => {
      await scene.authority.become("revoked");
      await new Promise((resolve) => setImmediate(resolve));
      return handler(request);
    },
  });
  const agent = createAgent({
    model: callingModel(scene, "search"),
    tools: [sceneTool(scene, "search")],
    middleware: [guardMiddleware(scene.guard), delaying],
  });
  const error = await agent.invoke(start).catch((thrown: unknown) => thrown);
  expect(findExecutionStopped(error)).toBeInstanceOf(ExecutionDeniedError);
  expect(scene.entered).toEqual(["model 1"]);
});

test("a retry of the model inside the middleware is asked about", async () => {
  await using scene = await openScene();
  scene.onEnter.set("failing", () => scene.authority.become("revoked"));
  const failing = () => {
    void scene.enter("failing");
    return new Error("not now");
  };
  const retrying = createMiddleware({
    name: "Retrying",
    wrapModelCall: async (request, handler) => {
      try {
        return await handler(request);
      } catch {
        return handler(request);
      }
    },
  });
  const agent = createAgent({
    model: fakeModel().respond(failing).respond(failing),
    tools: [],
    middleware: [guardMiddleware(scene.guard), retrying],
  });
  const error = await agent.invoke(start).catch((thrown: unknown) => thrown);
  expect(scene.entered).toEqual(["failing"]);
  expect(findExecutionStopped(error)).toBeInstanceOf(ExecutionDeniedError);
});

test("what a tool throws comes through as it is", async () => {
  await using scene = await openScene();
  const failure = new TypeError("broken");
  const broken = tool(
    async () => {
      throw failure;
    },
    { name: "broken", description: "Fails.", schema },
  );
  await expect(guardTool(scene.guard, broken).invoke({ query: "x" })).rejects.toBe(failure);
});

test("an interrupt inside a guarded tool interrupts, and its resume asks again", async () => {
  await using scene = await openScene();
  const asking = tool(async () => `answer: ${interrupt("sure?")}`, {
    name: "search",
    description: "Asks.",
    schema,
  });
  const agent = guardRunnable(
    scene.guard,
    createAgent({
      model: callingModel(scene, "search"),
      tools: [guardTool(scene.guard, asking)],
      middleware: [guardMiddleware(scene.guard)],
      checkpointer: new MemorySaver(),
    }),
  );
  const config = { configurable: { thread_id: "thread" } };
  expect(isInterrupted(await agent.invoke(start, config))).toBe(true);
  const { messages } = await agent.invoke(new Command({ resume: "yes" }), config);
  expect(messages.at(-2)?.content).toBe("answer: yes");
  await scene.authority.become("revoked");
  await expect(agent.invoke(new Command({ resume: "yes" }), config)).rejects.toBeInstanceOf(
    ExecutionDeniedError,
  );
});

test("a model that a middleware calls by itself is asked about in a guarded agent", async () => {
  await using scene = await openScene();
  const summarizing = createMiddleware({
    name: "Summarizing",
    beforeModel: async () => void (await new SceneChatModel(scene).invoke("sum up")),
  });
  const agent = createAgent({ model: callingModel(scene), tools: [], middleware: [summarizing] });
  await guardRunnable(scene.guard, agent).invoke(start);
  const names = scene.events.flatMap((event) =>
    event.type === "check" ? [event.boundary.name] : [],
  );
  expect(names).toContain("SceneChatModel");
});
