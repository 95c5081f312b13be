import { expect, test } from "vitest";
import { Overseer } from "../../src/cli/exec/overseer.ts";
import type { ProcessTree } from "../../src/cli/process-tree/process-tree.ts";
import { createGuard } from "../../src/index.ts";
import type { Guard, Run } from "../../src/index.ts";
import { scriptedLeases } from "../support/scripted-leases.ts";

const BOUNDARY = { kind: "run" } as const;

/** Signals that an overseer sends, and what happens just before each. */
function overseen(
  run: Run,
  sent: string[],
  before: (overseer: Overseer) => void = () => undefined,
): Overseer {
  const send = (name: string): void => {
    sent.push(name);
    before(overseer);
  };
  const tree = {
    signal: send,
    signalAll: async (name: string) => send(name),
  } as unknown as ProcessTree;
  const askAnew = (): Promise<void> => Promise.resolve();
  const overseer = new Overseer({ tree, run, boundary: BOUNDARY, askAnew, recheckMs: 60_000 });
  return overseer;
}

async function armed(): Promise<{ guard: Guard; run: Run; stop: () => void }> {
  const leases = scriptedLeases();
  const guard = createGuard(leases.client, {
    deviceId: "a",
    enforcement: "lease",
    register: false,
  });
  const run = guard.run();
  await run.check(BOUNDARY);
  expect(run.signal.aborted).toBe(false);
  return { guard, run, stop: () => leases.stop("a") };
}

test("a doubt that comes while the program is let go holds it again", async () => {
  const { guard, run } = await armed();
  await using _ = guard;
  const sent: string[] = [];
  const isLetGo = Promise.withResolvers<void>();
  const overseer = overseen(run, sent, (self) => {
    const count = sent.filter((name) => name === "SIGCONT").length;
    if (sent.at(-1) === "SIGCONT" && count === 1) self.doubt();
    if (count === 2) isLetGo.resolve();
  });
  overseer.doubt();
  await isLetGo.promise;
  expect(sent).toEqual(["SIGSTOP", "SIGCONT", "SIGSTOP", "SIGCONT"]);
  overseer.close();
});

test("SIGCONT reaches a program that runs, and no program that was stopped", async () => {
  const { guard, run, stop } = await armed();
  await using _ = guard;
  const sent: string[] = [];
  const overseer = overseen(run, sent);
  overseer.signal("SIGCONT");
  expect(sent).toEqual(["SIGCONT"]);
  stop();
  overseer.signal("SIGCONT");
  overseer.signal("SIGINT");
  expect(sent).toEqual(["SIGCONT", "SIGINT"]);
  overseer.close();
});
