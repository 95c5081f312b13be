import { Agent, run, Runner, setTracingDisabled } from "@openai/agents";
import { ScriptedModel } from "@openai/agents/testing";
import { beforeAll, expect, test } from "vitest";
import {
  guardAgent,
  guardModel,
  guardModelProvider,
  guardRunner,
  guardTool,
} from "../../../integrations/openai-agents/index.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";
import { boundariesOf, call, SAYS_DONE, toolThat } from "./fixtures.ts";

beforeAll(() => setTracingDisabled(true));

test("copies of a guarded agent and a guarded tool are guarded, and ask once", async () => {
  const guard = recordingGuard();
  const search = {
    ...guardTool(
      guard,
      toolThat("search", () => "found"),
    ),
  };
  const model = new ScriptedModel([[call("search")], SAYS_DONE]);
  const agent = guardAgent(guard, new Agent({ name: "worker", model, tools: [search] }));
  await run(agent.clone({ name: "copy" }), "go");
  expect(boundariesOf(guard)).toEqual(["model -", "tool search", "model -"]);
});

test("a guardrail that is added to a tool later still runs, before the question", async () => {
  const guard = recordingGuard();
  const original = toolThat("search", () => "found");
  const search = guardTool(guard, original);
  original.inputGuardrails?.push({
    type: "tool_input",
    name: "mine",
    run: async () => ({ behavior: { type: "rejectContent", message: "no" } }),
  });
  const model = new ScriptedModel([[call("search")], SAYS_DONE]);
  await run(new Agent({ name: "worker", model, tools: [search] }), "go");
  expect(guard.checks).toEqual([]);
});

test("a guarded runner keeps its hooks and its config", async () => {
  const guard = recordingGuard();
  const runner = guardRunner(guard, { config: { workflowName: "mine" } });
  const started: string[] = [];
  runner.on("agent_start", (_context, agent) => started.push(agent.name));
  await runner.run(new Agent({ name: "worker", model: new ScriptedModel([SAYS_DONE]) }), "go");
  expect(started).toEqual(["worker"]);
  expect(runner).toBeInstanceOf(Runner);
  expect(runner.config.workflowName).toBe("mine");
});

test("what is no model, provider, tool or agent is refused", () => {
  const guard = recordingGuard();
  const wrong: unknown[] = [
    () => guardModel(guard, {} as ScriptedModel),
    () => guardModelProvider(guard, {} as { getModel: () => ScriptedModel }),
    () => guardTool(guard, {}),
    () => guardAgent(guard, {}),
  ];
  for (const each of wrong)
    expect(each).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});
