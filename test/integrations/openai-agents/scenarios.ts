import { Agent, RunContext, RunState, Runner, run } from "@openai/agents";
import type { Model, RunToolApprovalItem } from "@openai/agents";
import { functionCall, ScriptedModel } from "@openai/agents/testing";
import type { ScriptedModelResponse } from "@openai/agents/testing";
import {
  guardAgent,
  guardModel,
  guardModelProvider,
  guardRun,
  guardRunner,
  guardTool,
} from "../../../integrations/openai-agents/index.ts";
import { toolScenarios } from "./tool-scenarios.ts";
import { calls, options, says, scripted, searchTool, streaming, withTool } from "./world.ts";
import type { Scenario, World } from "../shared/world.ts";

const twoSteps = [calls("search", "call-1"), calls("search", "call-2"), says("done")];

function searcher(world: World, model: Model | string = scripted(world, twoSteps)): Agent {
  return new Agent({ name: "searcher", model, tools: [searchTool(world)] });
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

/** A provider of one model, by whatever name it is asked for. */
const providerOf = (model: Model): { getModel: () => Model } => ({ getModel: () => model });

const byId = (world: World): Agent => searcher(world, "gpt-test");

interface Interrupted {
  getInterruptions(): RunToolApprovalItem[];
  approve(item: RunToolApprovalItem): void;
}

const approved = <S extends Interrupted>(state: S): S => {
  for (const item of state.getInterruptions()) state.approve(item);
  return state;
};

/** Runs until approval is asked for, approves, and goes on, through JSON if told to. */
async function approve(world: World, throughJson: boolean): Promise<unknown> {
  const guarded = guardRun(world.guard);
  const agent = guardAgent(
    world.guard,
    new Agent({
      name: "searcher",
      model: scripted(world, [calls("search", "call-1"), says("done")]),
      tools: [searchTool(world, true)],
    }),
  );
  const first = await guarded(agent, "go", options(world));
  const resumed = throughJson
    ? guarded(
        agent,
        approved(await RunState.fromString(agent, first.state.toString())),
        options(world),
      )
    : guarded(agent, approved(first.state), options(world));
  return (await resumed).finalOutput;
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...toolScenarios,
  "guardRun: run()": async (world) =>
    (await guardRun(world.guard)(searcher(world), "go", options(world))).finalOutput,
  "guardRun: stream, iterated": async (world) => {
    const result = await guardRun(world.guard)(searcher(world), "go", streaming(world));
    await drain(result);
    return result.finalOutput;
  },
  "guardRun: stream, completed": async (world) => {
    const result = await guardRun(world.guard)(searcher(world), "go", streaming(world));
    void drain(result).catch(() => undefined);
    await result.completed;
    return result.finalOutput;
  },
  "guardRun: stream, toTextStream()": async (world) => {
    const result = await guardRun(world.guard)(searcher(world), "go", streaming(world));
    let text = "";
    for await (const part of result.toTextStream()) text += part;
    return text;
  },
  "guardRun: stream, Node stream": async (world) => {
    const result = await guardRun(world.guard)(searcher(world), "go", streaming(world));
    let text = "";
    const parts = result.toTextStream({ compatibleWithNodeStreams: true });
    for await (const part of parts) text += String(part);
    return text;
  },
  "guardRunner: runner.run()": async (world) =>
    (await guardRunner(world.guard).run(searcher(world), "go", options(world))).finalOutput,
  "guardRun: model by id": async (world) => {
    const modelProvider = providerOf(scripted(world, twoSteps));
    const guarded = guardRun(world.guard, { config: { modelProvider } });
    return (await guarded(byId(world), "go", options(world))).finalOutput;
  },
  "guardAgent: run()": async (world) =>
    (await run(guardAgent(world.guard, searcher(world)), "go", options(world))).finalOutput,
  "guardAgent: model by id": async (world) => {
    const runner = new Runner({ modelProvider: providerOf(scripted(world, [says("done")])) });
    const agent = guardAgent(world.guard, new Agent({ name: "speaker", model: "gpt-test" }));
    return (await runner.run(agent, "go", options(world))).finalOutput;
  },
  "guardModel: run()": async (world) => {
    const model = guardModel(world.guard, scripted(world, [says("done")]));
    return (await run(new Agent({ name: "a", model }), "go", options(world))).finalOutput;
  },
  "guardModel: stream": async (world) => {
    const model = guardModel(world.guard, scripted(world, [says("done")]));
    const result = await run(new Agent({ name: "a", model }), "go", streaming(world));
    await drain(result);
    await result.completed;
    return result.finalOutput;
  },
  "guardModelProvider: Runner": async (world) => {
    const provider = guardModelProvider(world.guard, providerOf(scripted(world, [says("done")])));
    const runner = new Runner({ modelProvider: provider });
    return (await runner.run(new Agent({ name: "a", model: "m" }), "go", options(world)))
      .finalOutput;
  },
  "guardTool: run()": async (world) => {
    const agent = new Agent({
      name: "searcher",
      model: new ScriptedModel([...twoSteps]),
      tools: [guardTool(world.guard, searchTool(world))],
    });
    return (await run(agent, "go", options(world))).finalOutput;
  },
  "guardTool: stream": async (world) => {
    const agent = new Agent({
      name: "searcher",
      model: new ScriptedModel([...twoSteps]),
      tools: [guardTool(world.guard, searchTool(world))],
    });
    const result = await run(agent, "go", streaming(world));
    await drain(result);
    await result.completed;
    return result.finalOutput;
  },
  "guardTool: tool.invoke()": async (world) => {
    const search = guardTool(world.guard, searchTool(world));
    const found = await search.invoke(new RunContext(), "{}", options(world));
    return found === "found" ? "done" : found;
  },
  "guardRun: agent as tool": async (world) => {
    const inner = guardAgent(world.guard, searcher(world));
    const used = inner.asTool({ toolName: "ask", toolDescription: "Asks the searcher" });
    const call: ScriptedModelResponse = [functionCall("ask", { input: "x" }, { callId: "outer" })];
    const agent = withTool(world, used, call);
    return (await guardRun(world.guard)(agent, "go", options(world))).finalOutput;
  },
  "guardRun: approved and resumed": (world) => approve(world, false),
  "guardRun: approved and resumed from JSON": (world) => approve(world, true),
  "guardRun: handoff": async (world) => {
    const agent = new Agent({
      name: "triage",
      model: scripted(world, [calls("transfer_to_searcher", "call-0")]),
      handoffs: [searcher(world)],
    });
    return (await guardRun(world.guard)(agent, "go", options(world))).finalOutput;
  },
};
