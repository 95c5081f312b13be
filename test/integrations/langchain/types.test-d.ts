import type { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { AIMessageChunk } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { FakeListChatModel, FakeLLM } from "@langchain/core/utils/testing";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent, createMiddleware } from "langchain";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  createGuardCallbackHandler,
  guardGraph,
  guardMiddleware,
  guardModel,
  guardNode,
  guardRunnable,
  guardTool,
  guardTools,
} from "../../../integrations/langchain/index.ts";
import type { GuardToolOptions } from "../../../integrations/langchain/index.ts";
import type { Guard } from "../../../src/index.ts";

declare const guard: Guard;

const search = tool(({ query }: { query: string }) => query.length, {
  name: "search",
  description: "Looks.",
  schema: z.object({ query: z.string() }),
});
const fetch = tool((text: string) => text, { name: "fetch", description: "Gets." });
const length = RunnableLambda.from((text: string) => text.length);
const model = new FakeListChatModel({ responses: [] });
const State = Annotation.Root({ count: Annotation<number> });

test("what is guarded keeps its type", () => {
  expectTypeOf(guardRunnable(guard, length)).toEqualTypeOf(length);
  expectTypeOf(guardRunnable(guard, length).invoke("in")).resolves.toEqualTypeOf<number>();
  expectTypeOf(guardTool(guard, search)).toEqualTypeOf(search);
  expectTypeOf(guardModel(guard, model)).toEqualTypeOf(model);
  expectTypeOf(guardModel(guard, new FakeLLM({}))).toEqualTypeOf<FakeLLM>();
  expectTypeOf(guardNode(guard, new ToolNode([]))).toEqualTypeOf<ToolNode>();
  const agent = createAgent({ model, tools: [search] });
  expectTypeOf(guardRunnable(guard, agent)).toEqualTypeOf(agent);
});

test("a list of tools stays a tuple that every taker of tools accepts", () => {
  const tools = guardTools(guard, [search, fetch, { type: "web_search" }]);
  expectTypeOf(tools[0]).toEqualTypeOf(search);
  expectTypeOf(tools[1]).toEqualTypeOf(fetch);
  const clientTools = guardTools(guard, [search, fetch]);
  model.bindTools(guardTools(guard, [search]));
  expectTypeOf(new ToolNode(clientTools)).toEqualTypeOf<ToolNode>();
  createAgent({ model, tools: clientTools });
});

test("the middleware fits an agent and changes nothing of its types", () => {
  const plain = createAgent({ model, tools: [search] });
  const guarded = createAgent({ model, tools: [search], middleware: [guardMiddleware(guard)] });
  expectTypeOf<ReturnType<typeof guarded.invoke>>().toEqualTypeOf<
    ReturnType<typeof plain.invoke>
  >();
  const counting = createMiddleware({
    name: "Counting",
    stateSchema: z.object({ hits: z.number().default(0) }),
  });
  const both = createAgent({ model, tools: [], middleware: [guardMiddleware(guard), counting] });
  expectTypeOf<Awaited<ReturnType<typeof both.invoke>>["hits"]>().toEqualTypeOf<number>();
  // @ts-expect-error -- no such state
  void guarded.invoke({ messages: [], hits: 1 });
});

test("nodes fit a graph, and the guarded graph is the graph", () => {
  const node = guardNode(guard, ({ count }: typeof State.State, config: RunnableConfig) => ({
    count: count + (config.tags?.length ?? 0),
  }));
  expectTypeOf(node).returns.resolves.toEqualTypeOf<{ count: number }>();
  const inner = new StateGraph(State)
    .addNode("inner", node)
    .addEdge(START, "inner")
    .addEdge("inner", END)
    .compile();
  const graph = new StateGraph(State)
    .addNode("node", node)
    .addNode("sub", guardNode(guard, inner))
    .addEdge(START, "node")
    .addEdge("node", "sub")
    .compile();
  expectTypeOf(guardGraph(guard, graph)).toEqualTypeOf(graph);
  expectTypeOf(guardGraph(guard, graph).invoke({ count: 1 })).resolves.toEqualTypeOf<{
    count: number;
  }>();
});

test("the handler is one of LangChain's", () => {
  expectTypeOf(createGuardCallbackHandler(guard)).toExtend<BaseCallbackHandler>();
  const config: RunnableConfig = { callbacks: [createGuardCallbackHandler(guard)] };
  expectTypeOf(model.invoke("hi", config)).resolves.toEqualTypeOf<AIMessageChunk>();
});

test("what cannot be gated is refused by type", () => {
  expectTypeOf<"allow">().not.toExtend<GuardToolOptions["onDeny"]>();
  // @ts-expect-error -- a function is no runnable
  guardRunnable(guard, (text: string) => text);
  // @ts-expect-error -- a tool is no model
  guardModel(guard, search);
  // @ts-expect-error -- there is no option to go on without a decision
  guardTool(guard, search, { onDeny: "allow" });
});
