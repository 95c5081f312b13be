import { InMemoryCache } from "@langchain/core/caches";
import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { Annotation, END, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  createGuardCallbackHandler,
  guardMiddleware,
  guardModel,
  guardNode,
  guardRunnable,
  guardTool,
} from "../../../integrations/langchain/index.ts";
import { ExecutionDeniedError } from "../../../src/index.ts";
import { callingModel, SceneChatModel, sceneTool } from "./scene-models.ts";
import { drain, openScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

vi.spyOn(console, "error").mockImplementation(() => undefined);

const start = { messages: [new HumanMessage("go")] };

const runIds = ({ events }: Scene): Set<string> =>
  new Set(events.flatMap((event) => (event.type === "check" ? [event.runId] : [])));

/** An agent with every gate there is. */
const guardedAgent = (scene: Scene) =>
  createAgent({
    model: guardModel(scene.guard, callingModel(scene, "search")),
    tools: [guardTool(scene.guard, sceneTool(scene, "search"))],
    middleware: [guardMiddleware(scene.guard)],
  });

describe("one invocation is one run", () => {
  test("for handler, middleware, model and tool of a guarded agent", async () => {
    await using scene = await openScene();
    await guardRunnable(scene.guard, guardedAgent(scene)).invoke(start);
    expect(runIds(scene).size).toBe(1);
  });

  test("for handler and tool of a chain that only has a handler", async () => {
    await using scene = await openScene();
    const search = guardTool(scene.guard, sceneTool(scene, "search"));
    const chain = RunnableLambda.from((query: string) => ({ query })).pipe(search);
    await chain.invoke("cats", { callbacks: [createGuardCallbackHandler(scene.guard)] });
    expect(runIds(scene).size).toBe(1);
  });

  test("for handler and model of a model that is called by itself", async () => {
    await using scene = await openScene();
    const model = guardModel(scene.guard, new SceneChatModel(scene));
    await model.invoke("hi", { callbacks: [createGuardCallbackHandler(scene.guard)] });
    expect(runIds(scene).size).toBe(1);
  });

  test("for middleware, model and tool of an agent without a guarded runnable around it", async () => {
    await using scene = await openScene();
    await guardedAgent(scene).invoke(start);
    expect(runIds(scene).size).toBe(1);
  });

  test("for the nodes of a graph, and what they call with the config they were given", async () => {
    await using scene = await openScene();
    const State = Annotation.Root({ text: Annotation<string> });
    const model = guardModel(scene.guard, new SceneChatModel(scene));
    const node = guardNode(
      scene.guard,
      async ({ text }: { text: string }, config: RunnableConfig) => {
        await drain(model.stream(text, config));
        return { text: (await model.invoke(text)).text };
      },
    );
    const graph = new StateGraph(State)
      .addNode("first", node)
      .addNode("second", node)
      .addEdge(START, "first")
      .addEdge("first", "second")
      .addEdge("second", END)
      .compile();
    await graph.invoke({ text: "hi" });
    expect(runIds(scene).size).toBe(1);
  });

  test("for a tool and the tools it calls", async () => {
    await using scene = await openScene();
    const search = guardTool(scene.guard, sceneTool(scene, "search"));
    const outer = tool(
      async ({ query }: { query: string }, config: RunnableConfig) =>
        String(await search.invoke({ query }, config)),
      { name: "outer", description: "Calls.", schema: z.object({ query: z.string() }) },
    );
    await guardTool(scene.guard, outer).invoke({ query: "cats" });
    expect(runIds(scene).size).toBe(1);
  });

  test("for guarded runnables inside one another", async () => {
    await using scene = await openScene();
    const inner = guardRunnable(
      scene.guard,
      new SceneChatModel(scene).pipe((message) => message.text),
    );
    const around = RunnableLambda.from((text: string) => inner.invoke(text));
    await guardRunnable(scene.guard, around).invoke("hi");
    expect(runIds(scene).size).toBe(1);
  });
});

test("the next invocation is another run, which asks again", async () => {
  await using scene = await openScene("revoked");
  const agent = guardRunnable(scene.guard, guardedAgent(scene));
  await expect(agent.invoke(start)).rejects.toBeInstanceOf(ExecutionDeniedError);
  await scene.authority.become("allow");
  await expect(agent.invoke(start)).resolves.toMatchObject({ messages: { length: 4 } });
  expect(runIds(scene).size).toBe(2);
});

test("a run that is over is not joined by a later call with a config kept from it", async () => {
  await using scene = await openScene();
  let kept: RunnableConfig = {};
  const keep = RunnableLambda.from((text: string, config: RunnableConfig) => {
    kept = { configurable: config.configurable ?? {}, metadata: config.metadata ?? {} };
    return text;
  });
  const guarded = guardRunnable(scene.guard, keep);
  await guarded.invoke("first");
  await scene.authority.become("revoked");
  await expect(guarded.invoke("second", kept)).rejects.toBeInstanceOf(ExecutionDeniedError);
  await scene.authority.become("allow");
  await expect(guarded.invoke("third", kept)).resolves.toBe("third");
});

test.each(["configurable", "metadata"] as const)(
  "what a stopped run left running belongs to it, by the %s it was given",
  async (part) => {
    await using scene = await openScene();
    const kept: { config?: RunnableConfig } = {};
    const search = guardTool(scene.guard, sceneTool(scene, "search"));
    const keep = RunnableLambda.from(async (query: string, config: RunnableConfig) => {
      kept.config = { [part]: config[part] };
      await scene.authority.become("revoked");
      return search.invoke({ query }, config);
    });
    const denial = await guardRunnable(scene.guard, keep)
      .invoke("cats")
      .catch((error: unknown) => error);
    await scene.authority.become("allow");
    await expect(search.invoke({ query: "cats" }, kept.config)).rejects.toBe(denial);
    const cached = new SceneChatModel({ ...scene, enter: async () => undefined });
    cached.cache = new InMemoryCache();
    await cached.invoke("hi");
    await expect(guardModel(scene.guard, cached).invoke("hi", kept.config)).rejects.toBe(denial);
    expect(scene.entered).toEqual([]);
  },
);

test("what a config carries of the run can be traced, stored and printed", async () => {
  await using scene = await openScene();
  const checkpointer = new MemorySaver();
  const State = Annotation.Root({ text: Annotation<string> });
  let carried: RunnableConfig = {};
  const graph = new StateGraph(State)
    .addNode("only", async (_state, config) => {
      carried = config;
      return { text: "done" };
    })
    .addEdge(START, "only")
    .compile({ checkpointer });
  const config = { configurable: { thread_id: "thread" } };
  await guardRunnable(scene.guard, graph).invoke({ text: "go" }, config);
  const { configurable, metadata } = carried;
  expect(metadata?.["machineidRun"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(JSON.stringify({ scope: configurable?.["machineidRun"] })).toBe("{}");
  expect(JSON.stringify(carried)).not.toContain("org_scripted");
  expect(config).toEqual({ configurable: { thread_id: "thread" } });
});
