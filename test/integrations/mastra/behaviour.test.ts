import { expect, test } from "vitest";
import {
  guardAgent,
  guardModel,
  guardTool,
  guardTools,
  ToolRefusedError,
} from "../../../integrations/mastra/index.ts";
import {
  AuthorityUnavailableError,
  ExecutionDeniedError,
  findExecutionStopped,
} from "../../../src/index.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";
import { startHttpServer } from "../../support/http-server.ts";
import type { RecordingGuard } from "../../../src/testing/recording-guard.ts";
import { agentOf, scripted, searcher, searchTool, unguardedAgent } from "./scenarios.ts";
import type { World } from "../shared/world.ts";
import { calls, says } from "./scripted-model.ts";

interface Recorded extends World {
  readonly guard: RecordingGuard;
  readonly entered: readonly string[];
}

function world(): Recorded {
  const entered: string[] = [];
  return {
    guard: recordingGuard(),
    signal: undefined,
    entered,
    enter: (body) => void entered.push(body),
  };
}

const boundariesOf = ({ guard }: Recorded): string[] =>
  guard.checks.map(({ boundary: { kind, name } }) => `${kind} ${name ?? "-"}`);

const runsOf = ({ guard }: Recorded): number =>
  new Set(guard.checks.map((each) => each.runId)).size;

const ONE_SEARCH = [calls("search"), says("done")];

const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a call of a guarded agent is one run, and asks once at each boundary", async () => {
  const here = world();
  const agent = searcher(here, { model: scripted(here, ONE_SEARCH) });
  expect(guardAgent(here.guard, guardAgent(here.guard, agent))).toBe(agent);
  await agent.generate("go");
  expect(boundariesOf(here)).toEqual(["run worker", "model model", "tool search", "model model"]);
  expect(runsOf(here)).toBe(1);
});

test("a model and tools that are guarded already ask once", async () => {
  const here = world();
  const model = guardModel(here.guard, scripted(here, ONE_SEARCH));
  const search = guardTool(here.guard, guardTool(here.guard, searchTool(here)));
  const agent = agentOf({ model: async () => model, tools: { search } });
  await guardAgent(here.guard, agent).generate("go");
  expect(boundariesOf(here)).toEqual(["run worker", "model model", "tool search", "model model"]);
});

test("a toolset asks once for each tool, whether or not it is guarded already", async () => {
  const here = world();
  const agent = guardAgent(here.guard, agentOf({ model: scripted(here, ONE_SEARCH) }));
  await agent.generate("go", {
    toolsets: { extra: guardTools(here.guard, { search: searchTool(here) }) },
  });
  expect(boundariesOf(here)).toEqual(["run worker", "model model", "tool search", "model model"]);
});

test("an agent's own hooks come before the question, and are not asked for", async () => {
  const here = world();
  const order: string[] = [];
  const agent = searcher(here, {
    model: scripted(here, ONE_SEARCH),
    hooks: {
      beforeToolCall: () => {
        order.push(`before after ${here.guard.checks.length} checks`);
      },
    },
  });
  await guardAgent(here.guard, agent).generate("go");
  expect(order).toEqual(["before after 2 checks"]);
  expect(boundariesOf(here)).toEqual(["run worker", "model model", "tool search", "model model"]);
});

test("a model that is named by its id or config asks before its provider is called", async () => {
  const here = world();
  const asked: number[] = [];
  await using provider = await startHttpServer((request, response) => {
    asked.push(here.guard.checks.filter(({ boundary }) => boundary.kind === "model").length);
    request.resume();
    response.writeHead(400, { "content-type": "application/json" }).end("{}");
  });
  const model = { id: "custom/tiny", url: `${provider.url}/v1`, apiKey: "key" } as const;
  await rejection(guardAgent(here.guard, agentOf({ model })).generate("go"));
  expect(asked[0]).toBe(1);
  expect(asked).toHaveLength(here.guard.checks.length - 1);
});

test("a sub-agent belongs to the run of the agent that called it", async () => {
  const here = world();
  const supervisor = agentOf({
    model: scripted(here, [calls("agent-helper", { prompt: "help" }), says("done")]),
    agents: { helper: searcher(here, { id: "helper", name: "helper", description: "Helps" }) },
  });
  await guardAgent(here.guard, supervisor).generate("go");
  expect(boundariesOf(here)).toContain("tool agent-helper");
  expect(boundariesOf(here)).toContain("run helper");
  expect(boundariesOf(here)).toContain("tool search");
  expect(runsOf(here)).toBe(1);
});

test("one call's refusal does not end the agent", async () => {
  const here = world();
  const agent = guardAgent(here.guard, searcher(here, { model: scripted(here, [says("done")]) }));
  here.guard.fail();
  expect(AuthorityUnavailableError.isInstance(await rejection(agent.generate("go")))).toBe(true);
  here.guard.allow();
  expect((await agent.generate("go")).text).toBe("done");
});

test("a tool that is refused in an agent that is not guarded shows the fixed payload", async () => {
  const here = world();
  here.guard.deny("PLAN_FROZEN");
  const output = await unguardedAgent(here).generate("go");
  expect(output.text).toBe("done");
  expect(here.entered).toEqual(["model", "model"]);
  const shown = JSON.stringify(output.steps);
  expect(shown).toContain("execution_denied");
  expect(shown).not.toContain("test-device");
});

test("a tool called directly throws the payload, with the refusal as its cause", async () => {
  const here = world();
  here.guard.deny();
  const tool = guardTool(here.guard, searchTool(here));
  const error = await rejection(Promise.resolve(tool.execute?.({}, {} as never)));
  expect(error).toBeInstanceOf(ToolRefusedError);
  expect(error).toMatchObject({
    message: '{"reason":"execution_denied","code":"DEVICE_REVOKED","retryable":false}',
  });
  expect(findExecutionStopped(error)).toBeInstanceOf(ExecutionDeniedError);
  expect(here.entered).toEqual([]);
});

test("tools that an agent lists are guarded", async () => {
  const here = world();
  const agent = guardAgent(here.guard, searcher(here));
  here.guard.deny();
  const { search } = await agent.listTools();
  const execute = search !== undefined && "execute" in search ? search.execute : undefined;
  const error = await rejection(Promise.resolve(execute?.({}, {})));
  expect(error).toBeInstanceOf(ToolRefusedError);
});

test("a fork of a guarded agent is guarded", async () => {
  const here = world();
  const agent = guardAgent(here.guard, searcher(here));
  here.guard.deny();
  // oxlint-disable-next-line no-underscore-dangle -- what the editor of Mastra calls
  expect(await rejection(agent.__fork().generate("go"))).toBeInstanceOf(ExecutionDeniedError);
  expect(here.entered).toEqual([]);
});

test("what cannot be gated is refused", () => {
  const { guard } = world();
  const halfAnAgent = { generate: () => undefined, stream: () => undefined };
  for (const wrong of [
    () => guardAgent(guard, halfAnAgent),
    () => guardModel(guard, {}),
    () => guardTool(guard, "search" as never),
  ]) {
    expect(wrong).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  }
});
