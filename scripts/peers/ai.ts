import * as ai from "ai";
import { guardAgent, guardCall, guardModel } from "machineid-io/ai-sdk";
import { fakeModel } from "./ai-model.ts";
import { drain, goThrough } from "./harness.ts";
import type { World } from "./harness.ts";

Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

type Call = (options: object) => unknown;
type AgentClass = new (settings: object) => { generate: Call; stream: Call };

const major = Number(process.env["PEER_MAJOR"]);
/** By names of all versions: types are tested elsewhere, against each version's own. */
const sdk = ai as unknown as {
  readonly generateText: Call;
  readonly streamText: Call;
  readonly isStepCount?: (steps: number) => unknown;
  readonly stepCountIs?: (steps: number) => unknown;
  readonly ToolLoopAgent?: AgentClass;
  readonly Experimental_Agent?: AgentClass;
};
const { generateText, streamText } = sdk;

const settings = (world: World): object => ({
  model: fakeModel(major, world),
  tools: {
    search: {
      description: "Looks.",
      inputSchema: ai.jsonSchema({ type: "object", properties: {} }),
      execute: async () => {
        await world.enter("search");
        return "found";
      },
    },
  },
  stopWhen: (sdk.isStepCount ?? sdk.stepCountIs)?.(5),
  onError: () => undefined,
});

const options = (world: World): object => ({ ...settings(world), prompt: "go" });

const textOf = async (result: unknown): Promise<unknown> =>
  ((await result) as { text: unknown }).text;
const textStreamOf = async (result: unknown): Promise<void> =>
  drain(((await result) as { textStream: unknown }).textStream);

const agentOf = (world: World) => {
  const Agent = sdk.ToolLoopAgent ?? sdk.Experimental_Agent;
  if (Agent === undefined) throw new Error("this version has no agent");
  return guardAgent(world.guard, new Agent(settings(world)));
};

await goThrough({
  "guardCall, generateText": async (world) => guardCall(world.guard, generateText)(options(world)),
  "guardCall, streamText, its text": (world) =>
    textOf(guardCall(world.guard, streamText)(options(world))),
  "guardCall, streamText, its stream": (world) =>
    textStreamOf(guardCall(world.guard, streamText)(options(world))),
  "guardModel, generateText": async (world) => {
    const model = guardModel(world.guard, fakeModel(major, world));
    return generateText({ model, prompt: "go", maxRetries: 0 });
  },
  "guardAgent, generate": async (world) => agentOf(world).generate({ prompt: "go" }),
  "guardAgent, stream": (world) => textOf(agentOf(world).stream({ prompt: "go" })),
});
