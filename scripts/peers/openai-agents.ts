import { Agent, setTracingDisabled, tool, Usage } from "@openai/agents";
import type { Model, ModelResponse } from "@openai/agents";
import { guardAgent, guardRun } from "machineid-io/openai-agents";
import { run } from "@openai/agents";
import { z } from "zod";
import { drain, goThrough } from "./harness.ts";
import type { World } from "./harness.ts";

setTracingDisabled(true);

/** Calls the tool `search`, and then is done. */
function fakeModel({ enter }: World): Model {
  let step = 0;
  const next = async (): Promise<ModelResponse> => {
    await enter("model");
    step += 1;
    const call = { type: "function_call", callId: "call-1", name: "search", arguments: "{}" };
    const content = [{ type: "output_text", text: "done" }];
    const message = { type: "message", role: "assistant", status: "completed", content };
    const output = step === 1 ? { ...call, status: "completed" } : message;
    return { usage: new Usage(), output: [output], responseId: `r${step}` } as ModelResponse;
  };
  return {
    getResponse: next,
    async *getStreamedResponse() {
      const { output } = await next();
      const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
      yield { type: "response_done", response: { id: `r${step}`, usage, output } } as never;
    },
  };
}

const agentOf = (world: World): Agent =>
  new Agent({
    name: "worker",
    model: fakeModel(world),
    tools: [
      tool({
        name: "search",
        description: "Looks.",
        parameters: z.object({}),
        execute: async () => {
          await world.enter("search");
          return "found";
        },
      }),
    ],
  });

await goThrough({
  "guardRun, run": (world) => guardRun(world.guard)(agentOf(world), "go"),
  "guardRun, stream": async (world) => {
    const result = await guardRun(world.guard)(agentOf(world), "go", { stream: true });
    await drain(result);
  },
  "guardRun, stream, completed": async (world) => {
    const result = await guardRun(world.guard)(agentOf(world), "go", { stream: true });
    await result.completed;
  },
  "guardAgent, run": (world) => run(guardAgent(world.guard, agentOf(world)), "go"),
});
