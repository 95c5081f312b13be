import { ChatPromptTemplate } from "@langchain/core/prompts";
import type { Runnable } from "@langchain/core/runnables";
import { createGuardCallbackHandler, guardRunnable } from "machineid-io/langchain";
import { drain, goThrough } from "./harness.ts";
import type { World } from "./harness.ts";
import { FakeChatModel, searchTool } from "./langchain-model.ts";

/** The package is here only, beside the versions that it goes with; this is what is used of it. */
interface Classic {
  readonly createToolCallingAgent: (params: object) => unknown;
  readonly AgentExecutor: new (params: object) => Runnable<{ input: string }, unknown>;
}

const CLASSIC: string = "@langchain/classic/agents";
const { AgentExecutor, createToolCallingAgent } = (await import(CLASSIC)) as Classic;

/** The agent loop of earlier versions, which swallows what a tool throws if it is told to. */
function executorOf(world: World): Runnable<{ input: string }, unknown> {
  const tools = [searchTool(world)];
  const prompt = ChatPromptTemplate.fromMessages([
    ["human", "{input}"],
    ["placeholder", "{agent_scratchpad}"],
  ]);
  const agent = createToolCallingAgent({ llm: new FakeChatModel(world), tools, prompt });
  return new AgentExecutor({ agent, tools, handleParsingErrors: true });
}

const input = { input: "go" };

await goThrough({
  "createGuardCallbackHandler, AgentExecutor, invoke": (world) =>
    executorOf(world).invoke(input, { callbacks: [createGuardCallbackHandler(world.guard)] }),
  "createGuardCallbackHandler, AgentExecutor, stream": (world) =>
    drain(
      executorOf(world).stream(input, { callbacks: [createGuardCallbackHandler(world.guard)] }),
    ),
  "guardRunnable, AgentExecutor, invoke": (world) =>
    guardRunnable(world.guard, executorOf(world)).invoke(input),
  "guardRunnable, AgentExecutor, stream": (world) =>
    drain(guardRunnable(world.guard, executorOf(world)).stream(input)),
});
