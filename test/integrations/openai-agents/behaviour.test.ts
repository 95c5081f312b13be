import { Agent, run, RunState, setTracingDisabled, ToolCallError, tool } from "@openai/agents";
import { ScriptedModel } from "@openai/agents/testing";
import { beforeAll, expect, test } from "vitest";
import {
  guardAgent,
  guardModel,
  guardModelProvider,
  guardRun,
  guardTool,
  guardTools,
} from "../../../integrations/openai-agents/index.ts";
import { ExecutionDeniedError, findExecutionStopped } from "../../../src/index.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";
import {
  boundariesOf,
  call,
  NO_INPUT,
  rejection,
  runsOf,
  SAYS_DONE,
  toolThat,
} from "./fixtures.ts";

beforeAll(() => setTracingDisabled(true));

test("a guarded run is one run, and asks once at each boundary", async () => {
  const guard = recordingGuard();
  const agent = new Agent({
    name: "worker",
    model: new ScriptedModel([[call("search")], SAYS_DONE]),
    tools: [toolThat("search", () => "found")],
  });
  const result = await guardRun(guard)(agent, "go");
  expect(result.finalOutput).toBe("done");
  expect(boundariesOf(guard)).toEqual(["run worker", "model -", "tool search", "model -"]);
  expect(runsOf(guard)).toBe(1);
});

test("guarding twice asks once", async () => {
  const guard = recordingGuard();
  const search = guardTool(
    guard,
    guardTool(
      guard,
      toolThat("search", () => "found"),
    ),
  );
  const model = guardModel(
    guard,
    guardModel(guard, new ScriptedModel([[call("search")], SAYS_DONE])),
  );
  const agent = guardAgent(
    guard,
    guardAgent(guard, new Agent({ name: "worker", model, tools: [search] })),
  );
  const result = await guardRun(guard)(agent, "go");
  expect(result.finalOutput).toBe("done");
  expect(boundariesOf(guard)).toEqual(["run worker", "model -", "tool search", "model -"]);
});

test("a model by its id asks once, though agent and provider are both guarded", async () => {
  const guard = recordingGuard();
  const provider = { getModel: () => new ScriptedModel([SAYS_DONE]) };
  const modelProvider = guardModelProvider(guard, guardModelProvider(guard, provider));
  const agent = guardAgent(guard, new Agent({ name: "worker", model: "gpt-test" }));
  await guardRun(guard, { config: { modelProvider } })(agent, "go");
  expect(boundariesOf(guard)).toEqual(["run worker", "model gpt-test"]);
});

test("a retry of the SDK's asks again", async () => {
  const guard = recordingGuard();
  const model = new ScriptedModel([{ type: "error", error: new Error("flaky") }, SAYS_DONE]);
  const agent = new Agent({
    name: "worker",
    model: "gpt-test",
    modelSettings: { retry: { maxRetries: 1, policy: () => ({ retry: true, delayMs: 0 }) } },
  });
  await guardRun(guard, { config: { modelProvider: { getModel: () => model } } })(agent, "go");
  expect(boundariesOf(guard)).toEqual(["run worker", "model gpt-test", "model gpt-test"]);
});

test("what is guarded on its own belongs to the guarded run around it", async () => {
  const guard = recordingGuard();
  const inner = guardModel(guard, new ScriptedModel([SAYS_DONE]));
  const outer = new Agent({
    name: "outer",
    model: new ScriptedModel([[call("delegate")], SAYS_DONE]),
    tools: [
      toolThat(
        "delegate",
        async () => (await run(new Agent({ name: "inner", model: inner }), "go")).finalOutput,
      ),
    ],
  });
  await guardRun(guard)(outer, "go");
  expect(guard.checks).toHaveLength(5);
  expect(runsOf(guard)).toBe(1);
});

test("a denial that the tool's errorFunction would hide ends the run with itself", async () => {
  const guard = recordingGuard();
  const seen: unknown[] = [];
  const agent = new Agent({
    name: "worker",
    model: new ScriptedModel([[call("search")], SAYS_DONE]),
    tools: [
      tool({
        name: "search",
        description: "search",
        parameters: NO_INPUT,
        execute: () => guard.deny(),
        errorFunction: (_, error) => {
          seen.push(error);
          return "hidden";
        },
      }),
    ],
  });
  const error = await rejection(guardRun(guard)(agent, "go"));
  expect(error).toBeInstanceOf(ExecutionDeniedError);
  expect(error).toMatchObject({ code: "DEVICE_REVOKED", boundary: { kind: "model" } });
  expect(seen).toEqual([]);
});

test("outside a guarded run a tool's denial comes out as the SDK's ToolCallError", async () => {
  const guard = recordingGuard();
  guard.deny();
  const agent = new Agent({
    name: "worker",
    model: new ScriptedModel([[call("search")], SAYS_DONE]),
    tools: guardTools(guard, [toolThat("search", () => "found")]),
  });
  const error = await rejection(run(agent, "go"));
  expect(error).toBeInstanceOf(ToolCallError);
  expect(findExecutionStopped(error)).toMatchObject({ boundary: { kind: "tool", name: "search" } });
});

test("with onDeny refuse the model reads the fixed payload, and nothing else", async () => {
  const guard = recordingGuard();
  guard.deny("PLAN_FROZEN");
  const model = new ScriptedModel([[call("search")], SAYS_DONE]);
  let entered = 0;
  const search = guardTool(
    guard,
    toolThat("search", () => (entered += 1)),
    { onDeny: "refuse" },
  );
  const result = await run(new Agent({ name: "worker", model, tools: [search] }), "go");
  expect(result.finalOutput).toBe("done");
  expect(entered).toBe(0);
  const items = model.lastCall?.request.input;
  const output = Array.isArray(items) ? items.at(-1) : undefined;
  expect(output).toMatchObject({
    type: "function_call_result",
    output: { text: '{"reason":"execution_denied","code":"PLAN_FROZEN","retryable":false}' },
  });
});

test("with onDeny refuse a tool of a guarded run does not run, and the run is over", async () => {
  const guard = recordingGuard();
  let entered = 0;
  const agent = new Agent({
    name: "worker",
    model: new ScriptedModel([[call("first")], [call("second")], SAYS_DONE]),
    tools: [toolThat("first", () => guard.deny()), toolThat("second", () => (entered += 1))],
  });
  const error = await rejection(guardRun(guard, { onDeny: "refuse" })(agent, "go"));
  expect(error).toBeInstanceOf(ExecutionDeniedError);
  expect(entered).toBe(0);
});

test("one refused call of a parallel batch stops the others' run at once", async () => {
  const guard = recordingGuard();
  let signal: AbortSignal | undefined;
  const agent = new Agent({
    name: "worker",
    model: new ScriptedModel([[call("slow"), call("stop")], SAYS_DONE]),
    tools: [
      tool({
        name: "slow",
        description: "never ends by itself",
        parameters: NO_INPUT,
        execute: (_input, _context, details) => {
          signal = details?.signal;
          return new Promise(() => undefined);
        },
      }),
      tool({
        name: "stop",
        description: "stops",
        parameters: NO_INPUT,
        execute: async () => {
          guard.deny();
          await rejection(guardRun(guard)(new Agent({ name: "inner", model: "none" }), "go"));
        },
      }),
    ],
  });
  const error = await rejection(guardRun(guard)(agent, "go"));
  expect(error).toBeInstanceOf(ExecutionDeniedError);
  expect(signal?.aborted).toBe(true);
});

test("a tool made of an unguarded agent is refused before the model is called", async () => {
  const guard = recordingGuard();
  const inner = new Agent({ name: "inner", model: new ScriptedModel([SAYS_DONE]) });
  const model = new ScriptedModel([[call("ask")], SAYS_DONE]);
  const asTool = inner.asTool({ toolName: "ask", toolDescription: "asks" });
  const error = await rejection(
    guardRun(guard)(new Agent({ name: "outer", model, tools: [asTool] }), "go"),
  );
  expect(error).toMatchObject({ code: "OPTION_INVALID" });
  expect(model.calls).toHaveLength(0);
});

test("a state of an unguarded agent is refused", async () => {
  const guard = recordingGuard();
  const search = tool({
    name: "search",
    description: "search",
    parameters: NO_INPUT,
    needsApproval: true,
    execute: async () => "found",
  });
  const model = new ScriptedModel([[call("search")], SAYS_DONE]);
  const agent = new Agent({ name: "worker", model, tools: [search] });
  const { state } = await run(agent, "go");
  const restored = await RunState.fromString(agent, state.toString());
  const error = await rejection(guardRun(guard)(agent, restored));
  expect(error).toMatchObject({ code: "OPTION_INVALID" });
  expect(guard.checks).toEqual([]);
});
