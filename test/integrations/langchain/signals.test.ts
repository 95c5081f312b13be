// oxlint-disable no-underscore-dangle -- LangChain's own names
import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { Runnable, RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  guardMiddleware,
  guardModel,
  guardNode,
  guardRunnable,
  guardTool,
} from "../../../integrations/langchain/index.ts";
import { ExecutionDeniedError } from "../../../src/index.ts";
import { callingModel, ClassTool, SceneChatModel, sceneTool } from "./scene-models.ts";
import { drain, openScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

vi.spyOn(console, "error").mockImplementation(() => undefined);

const start = { messages: [new HumanMessage("go")] };
const schema = z.object({ query: z.string() });

class Counting extends Runnable<unknown, number> {
  lc_namespace = ["test"];
  isClosed = false;

  override async invoke(): Promise<number> {
    return 0;
  }

  override async *_streamIterator(): AsyncGenerator<number> {
    try {
      for (let part = 0; ; part += 1) yield part;
    } finally {
      this.isClosed = true;
    }
  }
}

test("a denied tool aborts the one that runs beside it", async () => {
  await using scene = await openScene();
  const aborted = Promise.withResolvers<unknown>();
  const slow = tool(
    (_input: { query: string }, { signal }: RunnableConfig) =>
      new Promise<string>((_resolve, reject) => {
        void scene.authority
          .become("revoked")
          .then(() => scene.guard.check({ kind: "task" }))
          .catch(() => undefined);
        signal?.addEventListener("abort", () => {
          aborted.resolve(signal.reason);
          reject(signal.reason);
        });
      }),
    { name: "slow", description: "Waits.", schema },
  );
  const chain = RunnableLambda.from(async (_text: string, config: RunnableConfig) => {
    const waiting = guardTool(scene.guard, slow).invoke({ query: "x" }, config);
    waiting.catch(() => undefined);
    await vi.waitUntil(() => scene.guard.status === "stopped");
    await sceneTool(scene, "search").invoke({ query: "x" }, config);
    return waiting;
  });
  const error = await guardRunnable(scene.guard, chain)
    .invoke("go")
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ExecutionDeniedError);
  expect(await aborted.promise).toBe(error);
  expect(scene.entered).toEqual([]);
});

test("a stopped run ends although what it was doing ignores its signal", async () => {
  await using scene = await openScene();
  const search = sceneTool(scene, "search");
  class Ignoring extends Runnable<string, string> {
    lc_namespace = ["test"];

    override async invoke(_text: string, config?: RunnableConfig): Promise<string> {
      await scene.authority.become("revoked");
      await search.invoke({ query: "x" }, config).catch(() => undefined);
      return new Promise(() => undefined);
    }
  }
  await expect(guardRunnable(scene.guard, new Ignoring()).invoke("go")).rejects.toBeInstanceOf(
    ExecutionDeniedError,
  );
});

/** Yields once, is denied inside, swallows that, and never goes on. */
class Stuck extends Runnable<string, string> {
  lc_namespace = ["test"];
  readonly scene: Scene;

  constructor(scene: Scene) {
    super();
    this.scene = scene;
  }

  override async invoke(): Promise<string> {
    return "";
  }

  override async *_streamIterator(_text: string, config?: RunnableConfig): AsyncGenerator<string> {
    yield "first";
    await this.scene.authority.become("revoked");
    const search = sceneTool(this.scene, "search");
    await search.invoke({ query: "x" }, config).catch(() => undefined);
    await new Promise(() => undefined);
  }
}

test.each(["stream", "_streamIterator"] as const)(
  "a stopped %s ends although its source goes on waiting",
  async (entry) => {
    await using scene = await openScene();
    const read: unknown[] = [];
    const reading = async (): Promise<void> => {
      for await (const part of await guardRunnable(scene.guard, new Stuck(scene))[entry]("go")) {
        read.push(part);
      }
    };
    await expect(reading()).rejects.toBeInstanceOf(ExecutionDeniedError);
    expect(read).toEqual(["first"]);
  },
);

test("a handle on a stopped graph fails with the denial, not with what the graph makes of it", async () => {
  await using scene = await openScene();
  const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
    .addNode("stuck", async (_state, config) => {
      await scene.authority.become("revoked");
      await sceneTool(scene, "search")
        .invoke({ query: "x" }, config)
        .catch(() => undefined);
      return new Promise<never>(() => undefined);
    })
    .addEdge(START, "stuck")
    .compile();
  const handle = await guardRunnable(scene.guard, graph).streamEvents(
    { text: "go" },
    { version: "v3" },
  );
  await expect(handle.output).rejects.toBeInstanceOf(ExecutionDeniedError);
  await expect(drain(handle)).rejects.toBeInstanceOf(ExecutionDeniedError);
});

test("a reader that leaves a stream closes what it read from", async () => {
  await using scene = await openScene();
  const counting = new Counting();
  for await (const part of await guardRunnable(scene.guard, counting).stream("go")) {
    if (part === 3) break;
  }
  expect(counting.isClosed).toBe(true);
});

test("a denial elsewhere in the run ends the request of a guarded model", async () => {
  await using scene = await openScene();
  const kept: { config?: RunnableConfig } = {};
  const keep = RunnableLambda.from((_text: string, { configurable }: RunnableConfig) => {
    kept.config = { configurable: { ...configurable } };
  });
  await guardRunnable(scene.guard, keep).invoke("go");
  const model = guardModel(scene.guard, new SceneChatModel(scene));
  const parts = model._streamResponseChunks([new HumanMessage("hi")], kept.config ?? {});
  await expect(parts.next()).resolves.toMatchObject({ value: { text: "h" } });
  await scene.authority.become("revoked");
  const search = guardTool(scene.guard, sceneTool(scene, "search"));
  const denied = search.invoke({ query: "x" }, kept.config);
  const denial = await denied.catch((error: unknown) => error);
  expect(denial).toBeInstanceOf(ExecutionDeniedError);
  await expect(parts.next()).rejects.toBe(denial);
});

test("the caller's own abort surfaces as the caller's", async () => {
  await using scene = await openScene();
  const controller = new AbortController();
  const reason = new Error("enough");
  scene.onEnter.set("search", () => controller.abort(reason));
  const search = guardRunnable(
    scene.guard,
    RunnableLambda.from((query: string) => ({ query })).pipe(sceneTool(scene, "search")),
  );
  await expect(search.invoke("cats", { signal: controller.signal })).rejects.toBe(reason);
  expect(scene.events.some(({ type }) => type === "stop")).toBe(false);
});

test("a reader that leaves the stream of a graph ends the graph at once", async () => {
  await using scene = await openScene();
  const ended = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
    .addNode("first", () => ({ text: "first" }))
    .addNode("waits", (_state, { signal }) => {
      signal?.addEventListener("abort", () => ended.resolve());
      begun.resolve();
      return new Promise<never>(() => undefined);
    })
    .addEdge(START, "first")
    .addEdge("first", "waits")
    .compile();
  const stream = await guardRunnable(scene.guard, graph).stream({ text: "go" });
  await stream.next();
  await begun.promise;
  await stream.return();
  await expect(ended.promise).resolves.toBeUndefined();
});

describe("a signal of the caller's is looked at", () => {
  test("by a guarded runnable inside another, which was given one of its own", async () => {
    await using scene = await openScene();
    const reason = new Error("enough");
    const inner = guardRunnable(
      scene.guard,
      RunnableLambda.from(() => scene.enter("inner")),
    );
    const outer = RunnableLambda.from((text: string, config: RunnableConfig) =>
      inner.invoke(text, { ...config, signal: AbortSignal.abort(reason) }),
    );
    await expect(guardRunnable(scene.guard, outer).invoke("go")).rejects.toBe(reason);
    expect(scene.entered).toEqual([]);
  });

  test("before a tool begins on the allow that the middleware was given", async () => {
    await using scene = await openScene();
    const controller = new AbortController();
    const aborting = createMiddleware({
      name: "Aborting",
      wrapToolCall: (request, handler) => {
        controller.abort(new Error("enough"));
        return handler(request);
      },
    });
    const agent = createAgent({
      model: callingModel(scene, "search"),
      tools: [new ClassTool(scene)],
      middleware: [guardMiddleware(scene.guard), aborting],
    });
    const called = agent.invoke(start, { signal: controller.signal });
    await expect(called).rejects.toBeInstanceOf(Error);
    expect(scene.entered).toEqual(["model 1"]);
  });

  test("by a guarded node", async () => {
    await using scene = await openScene();
    const reason = new Error("enough");
    const node = guardNode(scene.guard, (_state: object, _config: RunnableConfig) =>
      scene.enter("node"),
    );
    await expect(node({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(scene.entered).toEqual([]);
  });
});
