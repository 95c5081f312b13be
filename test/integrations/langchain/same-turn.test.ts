import { setTimeout as later } from "node:timers/promises";
import { expect, test } from "vitest";
import { beginning } from "../../../integrations/langchain/same-turn.ts";
import { protectWhile } from "../../../integrations/shared/protect-while.ts";
import { createGuard } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";

const MODEL = { kind: "model", name: "m" } as const;

test("what comes in the same turn, but after the body is over, asks", async () => {
  await import("../../../src/guard/lease/index.ts");
  const leases = scriptedLeases();
  const guard = createGuard(leases.client, {
    deviceId: "a",
    enforcement: "lease",
    register: false,
  });
  await guard.check(MODEL);
  const run = guard.run();
  const ends = Promise.withResolvers<void>();
  let late: Promise<void> | undefined;
  const handOn = (inside: typeof run): string => {
    late = (async () => {
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      await inside.protect({ kind: "model", name: "late" }, () => ends.promise);
    })();
    return "given";
  };
  await protectWhile(run, MODEL, beginning(guard, run, handOn));
  await later(0);
  leases.stop("a");
  // It runs, and so it counts as running.
  expect(leases.all("ack")).toMatchObject([{ state: "fenced" }]);
  expect(run.signal.aborted).toBe(true);
  ends.resolve();
  await late;
  expect(leases.all("ack").at(-1)).toMatchObject({ state: "drained" });
  await guard.close();
});
