import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGuard, MachineID } from "../../../src/index.ts";
import type { Guard, GuardStatus } from "../../../src/index.ts";
import { startRelay } from "../../support/relay.ts";
import type { Relay } from "../../support/relay.ts";
import { codeOf, TOOL } from "./scene.ts";

const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";
const TTL_MS = 2000;
const CHILD = fileURLToPath(new URL("authority-child.ts", import.meta.url));
const PATIENCE = { timeout: 30_000, interval: 20 } as const;

let folder: string;
let relay: Relay;
let child: ChildProcess;
let guard: Guard;
let seen: GuardStatus[];

async function startAuthority(): Promise<number> {
  child = fork(CHILD, [join(folder, "store.db"), OWNER_KEY, String(TTL_MS)]);
  const [url] = (await once(child, "message")) as [string];
  return Number(new URL(url).port);
}

async function kill(): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** An operator, who has a way of their own to the authority. */
const operator = (): MachineID =>
  new MachineID({ orgKey: OWNER_KEY, baseUrl: `http://127.0.0.1:${relay.to}` });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "machineid-bad-network-"));
  relay = await startRelay(await startAuthority());
  seen = [];
  guard = createGuard(new MachineID({ orgKey: OWNER_KEY, baseUrl: relay.url }), {
    deviceId: "agent-1",
    enforcement: "lease",
    onEvent: (event) => event.type === "status" && seen.push(event.to),
  });
  await guard.start();
});
afterEach(async () => {
  await guard.close();
  await relay[Symbol.asyncDispose]();
  await kill();
  rmSync(folder, { recursive: true });
});

test("when the authority is killed the guard works on to the end of its lease, and again after a restart", async () => {
  await kill();
  await expect.poll(() => guard.status, PATIENCE).toBe("degraded");
  await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
  await expect.poll(() => guard.status, PATIENCE).toBe("blind");
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("LEASE_EXPIRED");
  relay.to = await startAuthority();
  await expect.poll(() => guard.status, PATIENCE).toBe("armed");
  await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
  expect(seen).toEqual(["armed", "degraded", "blind", "armed"]);
}, 60_000);

test("a stop that was made while the network was frozen is fenced in time, and obeyed at once when it is back", async () => {
  const run = guard.run();
  const { signal } = run;
  relay.freeze();
  const answer = await operator().revoke("agent-1", { wait: "fenced", waitTimeoutMs: 30_000 });
  expect(answer).toMatchObject({ stop: { state: "fenced" } });
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).not.toBe("allowed");
  expect(guard.status).toBe("blind");
  relay.thaw();
  await expect.poll(() => signal.aborted, PATIENCE).toBe(true);
  expect(run.stopped).toMatchObject({ code: "DEVICE_REVOKED" });
}, 60_000);

test("a frozen connection is given up while the lease is still good, and nothing is denied", async () => {
  relay.freeze();
  relay.thaw();
  await expect.poll(() => seen, PATIENCE).toEqual(["armed", "degraded", "armed"]);
  await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
}, 60_000);

test("over a slow network leases are kept, and a stop takes as long as the network", async () => {
  await guard.close();
  relay.delayMs = 100;
  guard = createGuard(new MachineID({ orgKey: OWNER_KEY, baseUrl: relay.url }), {
    deviceId: "agent-1",
    enforcement: "lease",
    checkTimeoutMs: 10_000,
    onEvent: (event) => event.type === "status" && seen.push(event.to),
  });
  const run = guard.run();
  await run.check(TOOL);
  await run.check(TOOL, { strict: true });
  const aborted = once(run.signal, "abort");
  const answer = await operator().revoke("agent-1", { wait: "drained", waitTimeoutMs: 30_000 });
  await aborted;
  expect(answer).toMatchObject({ stop: { state: "drained" } });
  expect(run.stopped).toMatchObject({ code: "DEVICE_REVOKED" });
}, 60_000);
