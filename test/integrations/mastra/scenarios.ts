import { Agent } from "@mastra/core/agent";
import type { AgentConfig, AgentExecutionOptionsBase } from "@mastra/core/agent";
import type { MastraModelConfig } from "@mastra/core/llm";
import { noopLogger } from "@mastra/core/logger";
import { Mastra } from "@mastra/core/mastra";
import { MockMemory } from "@mastra/core/memory";
import { InMemoryStore } from "@mastra/core/storage";
import { createTool } from "@mastra/core/tools";
import { createStep, createWorkflow } from "@mastra/core/workflows";
import { z } from "zod";
import {
  guardAgent,
  guardModel,
  guardTool,
  guardTools,
} from "../../../integrations/mastra/index.ts";
import type { Scenario, World } from "../shared/world.ts";
import { calls, says, scriptedModel } from "./scripted-model.ts";
import type { Turn } from "./scripted-model.ts";

const twoSteps = [calls("search"), calls("search"), says("done")];

export const scripted = (world: World, turns: readonly Turn[] = twoSteps) =>
  scriptedModel(turns, (body) => world.enter(body));

export const searchTool = (world: World, requireApproval = false) =>
  createTool({
    id: "search",
    description: "Searches",
    inputSchema: z.object({}),
    requireApproval,
    execute: async () => {
      await world.enter("search");
      return { found: true };
    },
  });

/** What these scenarios make agents of. */
type Config = Pick<AgentConfig, "id" | "name" | "description" | "durable"> & {
  readonly [
    Key in "model" | "tools" | "hooks" | "agents" | "workflows" | "memory" | "inputProcessors"
  ]: unknown;
};

export function agentOf(config: Partial<Config>): Agent {
  const defaults = { id: "worker", name: "worker", instructions: "Work" };
  // The compiler gives up on the union of all that an agent can be made of.
  const agent = new Agent({ ...defaults, ...config } as AgentConfig);
  // oxlint-disable-next-line no-underscore-dangle -- the only way to quiet an agent that stands alone
  agent.__setLogger(noopLogger);
  return agent;
}

export const searcher = (world: World, config: Partial<Config> = {}): Agent =>
  agentOf({ model: scripted(world), tools: { search: searchTool(world) }, ...config });

const options = ({ signal }: World): { abortSignal?: AbortSignal } =>
  signal === undefined ? {} : { abortSignal: signal };

const generate = async (
  world: World,
  agent: Agent,
  more: AgentExecutionOptionsBase<unknown> & { model?: MastraModelConfig } = {},
): Promise<unknown> =>
  (await guardAgent(world.guard, agent).generate("go", { ...options(world), ...more })).text;

const stream = (world: World) =>
  guardAgent(world.guard, searcher(world)).stream("go", options(world));

const neverCalled = scriptedModel([], () => {
  throw new Error("a step's own model is called instead");
});

async function drain(parts: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of parts);
}

/** A guarded agent that waits for the approval of a tool call. */
async function suspended(world: World) {
  const whole = agentOf({
    model: scripted(world, [calls("search"), says("done")]),
    tools: { search: searchTool(world, true) },
  });
  const storage = new InMemoryStore();
  const mastra = new Mastra({ agents: { whole }, storage, logger: false });
  const agent = guardAgent(world.guard, mastra.getAgent("whole"));
  const { runId = "", suspendPayload } = await agent.generate("go", options(world));
  return { agent, approval: { runId, toolCallId: suspendPayload?.toolCallId, ...options(world) } };
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  "guardAgent: generate()": (world) => generate(world, searcher(world)),
  "guardAgent: stream(), fullStream": async (world) => {
    const output = await stream(world);
    await drain(output.fullStream);
    return output.text;
  },
  "guardAgent: stream(), textStream": async (world) => {
    let text = "";
    for await (const part of (await stream(world)).textStream) text += part;
    return text;
  },
  "guardAgent: stream(), text": async (world) => (await stream(world)).text,
  "guardAgent: stream(), getFullOutput()": async (world) =>
    (await (await stream(world)).getFullOutput()).text,
  "guardAgent: stream(), consumeStream()": async (world) => {
    const output = await stream(world);
    await output.consumeStream();
    return output.text;
  },
  "guardAgent: streamUntilIdle()": async (world) => {
    const agent = guardAgent(world.guard, searcher(world));
    const output = await agent.streamUntilIdle("go", options(world));
    await drain(output.fullStream);
    return output.text;
  },
  "guardAgent: durable generate()": (world) => generate(world, searcher(world, { durable: true })),
  "guardAgent: model from a function": (world) => {
    const model = scripted(world);
    const dynamic = async () => model;
    return generate(world, searcher(world, { model: dynamic }));
  },
  "guardAgent: fallback models": (world) =>
    generate(
      world,
      searcher(world, { model: [{ model: scripted(world) }, { model: scripted(world) }] }),
    ),
  "guardAgent: model of the call": (world) =>
    generate(world, searcher(world), { model: scripted(world, [says("done")]) }),
  "guardAgent: model and tools of prepareStep": (world) => {
    const agent = agentOf({ model: neverCalled });
    const step = { model: scripted(world), tools: { search: searchTool(world) } };
    // Mastra takes any model here; its type names only some.
    return generate(world, agent, { prepareStep: () => step as never });
  },
  "guardAgent: model and tools of a processor": (world) => {
    const step = { model: scripted(world), tools: { search: searchTool(world) } };
    const processor = { id: "swap", processInputStep: () => step };
    return generate(world, agentOf({ model: neverCalled, inputProcessors: [processor] }));
  },
  "guardAgent: structuredOutput.model": async (world) => {
    const agent = guardAgent(world.guard, agentOf({ model: scripted(world, [says("text")]) }));
    const output = await agent.generate("go", {
      ...options(world),
      structuredOutput: {
        schema: z.object({ answer: z.string() }),
        model: scripted(world, [says('{"answer":"done"}')]),
      },
    });
    return output.object.answer;
  },
  "guardAgent: tools from a function": (world) =>
    generate(world, searcher(world, { tools: async () => ({ search: searchTool(world) }) })),
  "guardAgent: toolsets": (world) =>
    generate(world, searcher(world, { tools: {} }), {
      toolsets: { extra: { search: searchTool(world) } },
    }),
  "guardAgent: tools of memory": (world) => {
    class MemoryWithTools extends MockMemory {
      override listTools(): never {
        return { search: searchTool(world) } as never;
      }
    }
    const agent = searcher(world, { tools: {}, memory: new MemoryWithTools() });
    return generate(world, agent, { memory: { thread: "t", resource: "r" } });
  },
  "guardAgent: tool hooks": (world) =>
    generate(world, searcher(world, { hooks: { beforeToolCall: () => undefined } })),
  "guardAgent: approved and resumed": async (world) => {
    const { agent, approval } = await suspended(world);
    return (await agent.approveToolCallGenerate(approval)).text;
  },
  "guardAgent: approved and resumed stream": async (world) => {
    const { agent, approval } = await suspended(world);
    const output = await agent.approveToolCall(approval);
    await drain(output.fullStream);
    return output.text;
  },
  "guardAgent: sub-agent": (world) =>
    generate(
      world,
      agentOf({
        id: "supervisor",
        model: scripted(world, [calls("agent-searcher", { prompt: "search" }), says("done")]),
        agents: { searcher: searcher(world, { description: "Searches" }) },
      }),
    ),
  "guardAgent: workflow as tool": (world) => {
    const shape = { inputSchema: z.object({}), outputSchema: z.object({}) };
    const step = createStep({
      id: "step",
      ...shape,
      execute: async () => {
        await world.enter("step");
        return {};
      },
    });
    const workflow = createWorkflow({ id: "flow", description: "Flows", ...shape })
      .then(step)
      .commit();
    return generate(
      world,
      agentOf({
        model: scripted(world, [calls("workflow-flow", { inputData: {} }), says("done")]),
        workflows: { flow: workflow },
      }),
    );
  },
  "guardAgent: network()": async (world) => {
    const picks = (primitiveId: string, primitiveType: string): Turn =>
      says(
        JSON.stringify({ primitiveId, primitiveType, prompt: "{}", selectionReason: "it fits" }),
      );
    const isComplete = says(
      JSON.stringify({ isComplete: true, completionReason: "", finalResult: "done" }),
    );
    const agent = agentOf({
      model: scripted(world, [picks("search", "tool"), isComplete]),
      tools: { search: searchTool(world) },
      memory: new MockMemory(),
    });
    const output = await guardAgent(world.guard, agent).network("go", {
      ...options(world),
      maxSteps: 3,
      memory: { thread: "t", resource: "r" },
    });
    await drain(output);
    return "done";
  },
  "guardModel: generate()": async (world) => {
    const model = guardModel(world.guard, scripted(world, [says("done")]));
    const agent = agentOf({ model });
    return (await agent.generate("go", options(world))).text;
  },
  "guardTool: execute()": async (world) => {
    const tool = guardTool(world.guard, searchTool(world));
    await tool.execute?.({}, { observe: undefined, ...options(world) } as never);
    return "done";
  },
};

/** An agent that is not guarded, whose tool is. */
export const unguardedAgent = (world: World): Agent =>
  agentOf({
    model: scripted(world, [calls("search"), says("done")]),
    tools: guardTools(world.guard, { search: searchTool(world) }),
  });
