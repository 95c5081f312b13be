import type { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { createStep, createWorkflow } from "@mastra/core/workflows";
import { z } from "zod";
import { guardAgent, guardModel, guardTool } from "../../../integrations/mastra/index.ts";
import { describeStops } from "../shared/stop-suite.ts";
import type { Play, Stage } from "../shared/stop-suite.ts";
import { agentOf } from "./scenarios.ts";
import { hangingModel } from "./scripted-model.ts";
import type { Flight } from "./scripted-model.ts";

const MODEL = { during: ["model"], names: ["model model"] };
const SEARCH = { during: ["search"], names: ["tool search"] };

const toolThat = (stage: Stage, id: string) =>
  createTool({
    id,
    description: id,
    inputSchema: z.object({}),
    execute: async (_input, context) => {
      await stage.goOn(id, context.abortSignal);
      return { found: true };
    },
  });

const agentThat = (stage: Stage, flight: Flight): Agent =>
  guardAgent(
    stage.guard,
    agentOf({
      model: hangingModel(flight, stage),
      tools: { search: toolThat(stage, "search"), fetch: toolThat(stage, "fetch") },
    }),
  );

async function drain(parts: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of parts);
}

const generated = (flight: Flight) => (stage: Stage) => agentThat(stage, flight).generate("go");

const streamed = (flight: Flight) => async (stage: Stage) =>
  drain((await agentThat(stage, flight).stream("go")).fullStream);

const CALLING: Flight = { calls: ["search"] };
const BOTH: Flight = { calls: ["search", "fetch"] };

const plays: Readonly<Record<string, Play>> = {
  "a model call hangs, in generate": { ...MODEL, run: generated("call") },
  "a model call hangs, in stream": { ...MODEL, run: streamed("call") },
  "a model's stream is half way, read by fullStream": { ...MODEL, run: streamed("stream") },
  "a model's stream is half way, read by textStream": {
    ...MODEL,
    run: async (stage) => drain((await agentThat(stage, "stream").stream("go")).textStream),
  },
  "a model's stream is half way, read by text": {
    ...MODEL,
    run: async (stage) => (await agentThat(stage, "stream").stream("go")).text,
  },
  "a tool runs, in generate": { ...SEARCH, run: generated(CALLING) },
  "a tool runs, in stream": { ...SEARCH, run: streamed(CALLING) },
  "two tools run": {
    during: ["search", "fetch"],
    names: ["tool search", "tool fetch"],
    run: generated(BOTH),
  },
  "nothing runs between two steps": {
    during: [],
    run: (stage) => {
      const model = hangingModel({ calls: ["none"] }, stage);
      const none = createTool({
        id: "none",
        description: "none",
        inputSchema: z.object({}),
        execute: async () => ({}),
      });
      return guardAgent(stage.guard, agentOf({ model, tools: { none } })).generate("go", {
        prepareStep: ({ stepNumber }) => {
          if (stepNumber === 1) stage.stop();
          return undefined;
        },
      });
    },
  },
  "a workflow runs as a tool": {
    during: ["step"],
    names: ["tool flow"],
    run: (stage) => {
      const shape = { inputSchema: z.object({}), outputSchema: z.object({}) };
      const step = createStep({
        id: "step",
        ...shape,
        execute: async ({ abortSignal }) => {
          await stage.goOn("step", abortSignal);
          return {};
        },
      });
      const flow = createWorkflow({ id: "flow", description: "Flows", ...shape })
        .then(step)
        .commit();
      const model = hangingModel({ calls: ["workflow-flow"] }, stage, { inputData: {} });
      return guardAgent(stage.guard, agentOf({ model, workflows: { flow } })).generate("go");
    },
  },
  "a tool of a sub-agent runs": {
    ...SEARCH,
    run: (stage) => {
      const searcher = agentOf({
        id: "searcher",
        description: "Searches",
        model: hangingModel(CALLING, stage),
        tools: { search: toolThat(stage, "search") },
      });
      const model = hangingModel({ calls: ["agent-searcher"] }, stage, { prompt: "search" });
      const agent = agentOf({ id: "supervisor", model, agents: { searcher } });
      return guardAgent(stage.guard, agent).generate("go");
    },
  },
  "a model that is guarded alone hangs": {
    ...MODEL,
    run: (stage) =>
      agentOf({ model: guardModel(stage.guard, hangingModel("call", stage)) }).generate("go"),
  },
  "a tool that is guarded alone runs": {
    ...SEARCH,
    run: async (stage) => {
      const tool = guardTool(stage.guard, toolThat(stage, "search"));
      return tool.execute?.({}, {} as never);
    },
  },
};

describeStops(plays);
