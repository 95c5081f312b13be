import { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { guardAgent } from "machineid-io/mastra";
import { z } from "zod";
import { fakeModel } from "./ai-model.ts";
import { drain, goThrough } from "./harness.ts";
import type { World } from "./harness.ts";

const MAJOR_OF_AI = 5;

function agentOf(world: World): Agent {
  const search = createTool({
    id: "search",
    description: "Looks.",
    inputSchema: z.object({}),
    execute: async () => {
      await world.enter("search");
      return "found";
    },
  });
  const agent = new Agent({
    id: "worker",
    name: "worker",
    instructions: "Work.",
    model: fakeModel(MAJOR_OF_AI, world) as never,
    tools: { search },
  });
  return guardAgent(world.guard, agent);
}

await goThrough({
  "guardAgent, generate": (world) => agentOf(world).generate("go"),
  "guardAgent, stream, its text": async (world) => (await agentOf(world).stream("go")).text,
  "guardAgent, stream, its textStream": async (world) =>
    drain((await agentOf(world).stream("go")).textStream),
  "guardAgent, stream, its fullStream": async (world) =>
    drain((await agentOf(world).stream("go")).fullStream),
});
