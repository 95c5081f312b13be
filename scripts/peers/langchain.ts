import { HumanMessage } from "@langchain/core/messages";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { guardGraph, guardMiddleware, guardNode, guardRunnable } from "machineid-io/langchain";
import { drain, goThrough } from "./harness.ts";
import type { World } from "./harness.ts";
import { FakeChatModel, searchTool } from "./langchain-model.ts";

const start = () => ({ messages: [new HumanMessage("go")] });

const agentOf = (world: World, isGuarded: boolean) =>
  createAgent({
    model: new FakeChatModel(world),
    tools: [searchTool(world)],
    middleware: isGuarded ? [guardMiddleware(world.guard)] : [],
  });

/** A graph that asks its model, looks, and has the error of a tool swallowed. */
const graphOf = (world: World, isGuarded: boolean) => {
  const model = new FakeChatModel(world).bindTools();
  const ask = async ({ messages }: typeof MessagesAnnotation.State) => ({
    messages: [await model.invoke(messages)],
  });
  const look = new ToolNode([searchTool(world)]);
  return new StateGraph(MessagesAnnotation)
    .addNode("ask", isGuarded ? guardNode(world.guard, ask) : ask)
    .addNode("look", isGuarded ? guardNode(world.guard, look) : look)
    .addNode("answer", isGuarded ? guardNode(world.guard, ask) : ask)
    .addEdge(START, "ask")
    .addEdge("ask", "look")
    .addEdge("look", "answer")
    .addEdge("answer", END)
    .compile();
};

await goThrough({
  "guardRunnable, agent, invoke": (world) =>
    guardRunnable(world.guard, agentOf(world, false)).invoke(start()),
  "guardRunnable, agent, stream": (world) =>
    drain(guardRunnable(world.guard, agentOf(world, false)).stream(start())),
  "guardMiddleware, invoke": (world) => agentOf(world, true).invoke(start()),
  "guardMiddleware, stream": (world) => drain(agentOf(world, true).stream(start())),
  "guardGraph, invoke": (world) => guardGraph(world.guard, graphOf(world, false)).invoke(start()),
  "guardGraph, stream": (world) =>
    drain(guardGraph(world.guard, graphOf(world, false)).stream(start())),
  "guardNode, invoke": (world) => graphOf(world, true).invoke(start()),
});
