import { Mastra } from "@mastra/core";
import { InMemoryStore } from "@mastra/core/storage";
import { createStep, createWorkflow } from "@mastra/core/workflows";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { guardAgent } from "../../../integrations/mastra/index.ts";
import type { Guard } from "../../../src/index.ts";
import { recordingGuard } from "../../../src/testing/recording-guard.ts";
import { codeOf, leased } from "../../guard/lease/scene.ts";
import { agentOf } from "./scenarios.ts";
import { says, scriptedModel } from "./scripted-model.ts";

const SHAPE = { inputSchema: z.object({}), outputSchema: z.object({}) };

/** A run of a guarded agent's workflow, whose one step suspends first and works when it is resumed. */
async function madeRun(guard: Guard, entered: string[]) {
  const step = createStep({
    id: "step",
    ...SHAPE,
    resumeSchema: z.object({}),
    suspendSchema: z.object({}),
    execute: async ({ resumeData, suspend }) => {
      if (resumeData === undefined) return suspend({});
      entered.push("resumed");
      return {};
    },
  });
  const flow = createWorkflow({ id: "flow", description: "Flows", ...SHAPE })
    .then(step)
    .commit();
  // It keeps what was suspended.
  void new Mastra({ workflows: { flow }, storage: new InMemoryStore(), logger: false });
  const model = scriptedModel([says("done")], () => undefined);
  const agent = guardAgent(guard, agentOf({ model, workflows: { flow } }));
  const workflows = await agent.listWorkflows();
  return (workflows["flow"] as typeof flow).createRun();
}

test("a workflow's run asks when it is made, and again for every call after its first", async () => {
  const guard = recordingGuard();
  const entered: string[] = [];
  const run = await madeRun(guard, entered);
  expect((await run.start({ inputData: {} })).status).toBe("suspended");
  expect(guard.checks).toHaveLength(1);
  expect((await run.resume({ resumeData: {} })).status).toBe("success");
  expect(guard.checks).toHaveLength(2);
  expect(entered).toEqual(["resumed"]);
});

test("a later call of a workflow's run begins nothing after a denial", async () => {
  const guard = recordingGuard();
  const entered: string[] = [];
  const run = await madeRun(guard, entered);
  await run.start({ inputData: {} });
  guard.deny();
  expect(await codeOf(run.resume({ resumeData: {} }))).toBe("DEVICE_REVOKED");
  expect(entered).toEqual([]);
});

test("a later call that begins at once is refused, since nothing could be asked before", async () => {
  const guard = recordingGuard();
  const entered: string[] = [];
  const run = await madeRun(guard, entered);
  await run.start({ inputData: {} });
  expect(() => run.resumeStream({ resumeData: {} })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
  expect(entered).toEqual([]);
});

test("the first call of a workflow's run that was made long ago asks too, and begins nothing after a denial", async () => {
  const guard = recordingGuard();
  const entered: string[] = [];
  const run = await madeRun(guard, entered);
  guard.deny();
  const now = performance.now();
  const clock = vi.spyOn(performance, "now").mockReturnValue(now + 1_001);
  const started = codeOf(run.start({ inputData: {} }));
  clock.mockRestore();
  expect(await started).toBe("DEVICE_REVOKED");
});

test("a workflow's run that was made and not begun is drained by a stop, and never begins", async () => {
  const { leases, guard } = await leased();
  const entered: string[] = [];
  const run = await madeRun(guard, entered);
  leases.stop("a");
  await expect.poll(() => leases.all("ack").map(({ state }) => state)).toContain("drained");
  expect(await codeOf((async () => run.start({ inputData: {} }))())).toBe("DEVICE_REVOKED");
  await guard.close();
});
