// oxlint-disable no-underscore-dangle -- LangChain's own names
import { Runnable, RunnableLambda } from "@langchain/core/runnables";
import type { IterableReadableStream } from "@langchain/core/utils/stream";
import { HumanMessage } from "@langchain/core/messages";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  guardGraph,
  guardMiddleware,
  guardModel,
  guardRunnable,
  guardTool,
} from "../../../integrations/langchain/index.ts";
import { callingModel, SceneChatModel, sceneTool } from "./scene-models.ts";
import { drain, openScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

/** A runnable of which LangChain reports nothing. */
class Unreported extends Runnable<string, string> {
  override lc_namespace = ["test"];
  readonly scene: Scene;

  constructor(scene: Scene) {
    super();
    this.scene = scene;
  }

  override async invoke(input: string): Promise<string> {
    await this.scene.enter(input);
    return input;
  }
}

class Lazy extends Unreported {
  override async stream(input: string): Promise<IterableReadableStream<string>> {
    const { scene } = this;
    // Unlike a ReadableStream, a generator does nothing until it is read.
    const parts = (async function* lazily() {
      await scene.enter(input);
      yield input;
      yield "more";
    })();
    return parts as unknown as IterableReadableStream<string>;
  }
}

test("a batch asks for each input, though LangChain reports none of them", async () => {
  await using scene = await openScene();
  scene.onEnter.set("a", () => scene.authority.become("revoked"));
  const batch = guardRunnable(scene.guard, new Unreported(scene)).batch(["a", "b", "c"], {
    maxConcurrency: 1,
  });
  await expect(batch).rejects.toThrow("DEVICE_REVOKED");
  expect(scene.entered).toEqual(["a"]);
});

test("a retry asks for each attempt, though LangChain reports none of them", async () => {
  await using scene = await openScene();
  scene.onEnter.set("a", async () => {
    await scene.authority.become("revoked");
    throw new Error("flaky");
  });
  const retried = guardRunnable(scene.guard, new Unreported(scene)).withRetry({
    stopAfterAttempt: 3,
  });
  await expect(retried.invoke("a")).rejects.toThrow("DEVICE_REVOKED");
  expect(scene.entered).toEqual(["a"]);
});

test("a stream that begins when it is read begins on the check for it", async () => {
  await using scene = await openScene();
  const stream = await guardRunnable(scene.guard, new Lazy(scene)).stream("a");
  expect(scene.entered).toContain("a");
  await expect(drain(stream)).resolves.toEqual(["a", "more"]);
});

test("what begins a lambda below its invoke asks", async () => {
  await using scene = await openScene("revoked");
  const lambda = RunnableLambda.from(async (text: string) => {
    await scene.enter("lambda");
    return text;
  });
  const guarded = guardRunnable(scene.guard, lambda);
  const inputs = (async function* one() {
    yield "a";
  })();
  await expect(guarded._invoke("a")).rejects.toThrow("DEVICE_REVOKED");
  await expect(drain(guarded._transform(inputs))).rejects.toThrow("DEVICE_REVOKED");
  expect(scene.entered).toEqual([]);
});

test("the subgraphs that a guarded graph lists are guarded", async () => {
  await using scene = await openScene("revoked");
  const state = Annotation.Root({ text: Annotation<string> });
  const inner = new StateGraph(state)
    .addNode("body", async () => {
      await scene.enter("body");
      return {};
    })
    .addEdge(START, "body")
    .addEdge("body", END)
    .compile();
  const outer = new StateGraph(state)
    .addNode("inner", inner)
    .addEdge(START, "inner")
    .addEdge("inner", END)
    .compile();
  const graph = guardGraph(scene.guard, outer);
  const listed = [...graph.getSubgraphs(), ...(await drain(graph.getSubgraphsAsync()))];
  expect(listed).toHaveLength(2);
  for (const [, subgraph] of listed) {
    await expect(subgraph.invoke({ text: "" })).rejects.toThrow("DEVICE_REVOKED");
  }
  expect(scene.entered).toEqual([]);
});

test("a retry inside the middleware asks again for a runnable that serves as a tool", async () => {
  await using scene = await openScene();
  scene.onEnter.set("search", async () => {
    await scene.authority.become("revoked");
    throw new Error("flaky");
  });
  const search = RunnableLambda.from(async () => {
    await scene.enter("search");
    return "found";
  }).asTool({ name: "search", description: "Looks.", schema: z.object({ query: z.string() }) });
  const retry = createMiddleware({
    name: "Retry",
    wrapToolCall: async (request, handler) => {
      try {
        return await handler(request);
      } catch {
        return await handler(request);
      }
    },
  });
  const agent = createAgent({
    model: callingModel(scene, "search"),
    tools: [search],
    middleware: [guardMiddleware(scene.guard), retry],
  });
  await expect(agent.invoke({ messages: [new HumanMessage("go")] })).rejects.toThrow(
    "DEVICE_REVOKED",
  );
  expect(scene.entered).toEqual(["model 1", "search"]);
});

describe("a tool that a middleware inside supplies and retries", () => {
  const agentOf = (scene: Scene) => {
    scene.onEnter.set("search", async () => {
      await scene.authority.become("revoked");
      if (scene.entered.filter((body) => body === "search").length === 1) throw new Error("flaky");
    });
    const supplying = createMiddleware({
      name: "Supplying",
      wrapToolCall: async (request, handler) => {
        const supplied = { ...request, tool: sceneTool(scene, "search") };
        try {
          return await handler(supplied);
        } catch {
          return await handler(supplied);
        }
      },
    });
    return createAgent({
      model: callingModel(scene, "search"),
      tools: [],
      middleware: [guardMiddleware(scene.guard), supplying],
    });
  };
  const start = { messages: [new HumanMessage({ content: "go", id: "go" })] };

  test("is open with the middleware alone, as documented; the next model call is not", async () => {
    await using scene = await openScene();
    await expect(agentOf(scene).invoke(start)).rejects.toThrow("DEVICE_REVOKED");
    expect(scene.entered).toEqual(["model 1", "search", "search"]);
  });

  test("is closed in a guarded agent", async () => {
    await using scene = await openScene();
    const agent = guardRunnable(scene.guard, agentOf(scene));
    await expect(agent.invoke(start)).rejects.toThrow("DEVICE_REVOKED");
    expect(scene.entered).toEqual(["model 1", "search"]);
  });
});

test("a model call does not begin when the guard was closed since its check", async () => {
  await using scene = await openScene();
  const closer = createMiddleware({
    name: "Closer",
    wrapModelCall: (request, handler) => {
      void scene.guard.close();
      return handler(request);
    },
  });
  const agent = createAgent({
    model: callingModel(scene),
    tools: [],
    middleware: [guardMiddleware(scene.guard), closer],
  });
  await expect(agent.invoke({ messages: [new HumanMessage("go")] })).rejects.toThrow(
    "GUARD_CLOSED",
  );
  expect(scene.entered).toEqual([]);
});

test("a method read from the prototype of a guarded model does what the model's does", async () => {
  await using scene = await openScene();
  const guarded = guardModel(scene.guard, new SceneChatModel(scene));
  const prototype = Object.getPrototypeOf(guarded) as SceneChatModel;
  const ask = (): Promise<unknown> => Reflect.apply(prototype["_generate"], guarded, [[], {}]);
  await ask();
  expect(scene.entered).toEqual(["model"]);
  await scene.authority.become("revoked");
  await expect(ask()).rejects.toThrow("DEVICE_REVOKED");
  expect(scene.entered).toEqual(["model"]);
});

test("the body in a guarded lambda's descriptors is gated", async () => {
  await using scene = await openScene("revoked");
  const guarded = guardRunnable(
    scene.guard,
    RunnableLambda.from(() => scene.enter("lambda")),
  );
  const descriptor = Object.getOwnPropertyDescriptor(guarded, "func");
  const func = descriptor?.value as (input: string, options: object) => Promise<void>;
  await expect(func("in", {})).rejects.toThrow("DEVICE_REVOKED");
  expect(scene.entered).toEqual([]);
});

test("the body in a guarded tool's descriptors is gated", async () => {
  await using scene = await openScene("revoked");
  const guarded = guardTool(scene.guard, sceneTool(scene, "search"));
  const func: unknown = Object.getOwnPropertyDescriptor(guarded, "func")?.value;
  const bare = func as (input: object) => Promise<unknown>;
  await expect(bare({ query: "cats" })).rejects.toThrow("DEVICE_REVOKED");
  const copy = Object.create(
    Object.getPrototypeOf(guarded) as object,
    Object.getOwnPropertyDescriptors(guarded),
  ) as typeof guarded;
  await expect(copy.invoke({ query: "cats" })).rejects.toThrow("DEVICE_REVOKED");
  expect(scene.entered).toEqual([]);
});
