import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createGuard, MachineID } from "../../src/index.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { runCli, startServe } from "./spawn.ts";
import type { Served } from "./spawn.ts";

/** How long, in milliseconds, what must happen is waited for at most. */
const WAIT = 20_000;

let served: Served;

beforeAll(async () => {
  served = await startServe(":memory:", { env: { MACHINEID_LEASE_TTL: "60s" } });
});
afterAll(() => served[Symbol.asyncDispose]());

const run = (...args: string[]): ReturnType<typeof runCli> => runCli(args, { env: served.env });
const key = (): string => served.env["MACHINEID_ORG_KEY"] ?? "";

test("leases are good for as long as serve was told", async () => {
  await run("register", "a");
  await using client = await LeaseClient.holding(served.url, key(), ["a"]);
  expect(client.received).toMatchObject([{ ttl_ms: 60_000 }]);
  client.send({ type: "unwatch", n: 2, devices: ["a"] });
  client.n = 2;
  await client.renew();
});

test("a revoke that waits says how far it came, and stops names who holds it up", async () => {
  await run("register", "b");
  await using client = await LeaseClient.holding(served.url, key(), ["b"]);
  const late = await run("revoke", "b", "--wait", "fenced", "--timeout", "1s");
  expect(late).toMatchObject({ code: 1 });
  expect(late.stdout).toMatch(/b revoked\nstop \d+ pending: of 1 holder 0 fenced/);
  const { version } = await client.next("stop");
  expect(late.stderr).toContain(`machineid stops ${version} shows who holds it up`);
  const pending = await run("stops", String(version));
  expect(pending).toMatchObject({ code: 0 });
  expect(pending.stdout).toContain(`pending  b  session ${client.session}`);
  client.ack(version, ["b"], "fenced");
  client.ack(version, ["b"], "drained");
  const done = await run("revoke", "b", "--wait", "drained");
  expect(done).toMatchObject({ code: 0 });
  expect(done.stdout).toContain(`stop ${version} drained: of 1 holder 1 fenced and 1 drained`);
  const { holders } = JSON.parse((await run("stops", String(version), "--json")).stdout) as {
    holders: unknown[];
  };
  expect(holders).toMatchObject([{ state: "drained", devices: ["b"] }]);
});

test("stops and top name what went on after a stop, until it has ended", async () => {
  await run("register", "c");
  const client = new MachineID({ orgKey: key(), baseUrl: served.url });
  await using guard = createGuard(client, { deviceId: "c", enforcement: "lease" });
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const deaf = guard.protect({ kind: "tool", name: "charge\u001B[2J" }, () => {
    begun.resolve();
    return end.promise;
  });
  await begun.promise;
  const { version = 0 } = (await client.revoke("c")) as { version?: number };
  const stops = (): ReturnType<typeof run> => run("stops", String(version));
  const named = "went on after it: tool charge\uFFFD[2J  of c";
  await vi.waitUntil(async () => (await stops()).stdout.includes(named), WAIT);
  const { stdout } = await run("top", "--once", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    pendingStops: [{ version, state: "fenced", running: ["tool charge\uFFFD[2J"] }],
  });
  end.resolve();
  await deaf;
  await vi.waitUntil(async () => (await stops()).stdout.includes("drained  c"), WAIT);
  expect((await stops()).stdout).not.toContain("went on");
});

test("an org's stop waits, too; what is no stop is not found", async () => {
  // The session of the test before is lost: what it ran may run on.
  const stopped = await run("org", "stop", "--wait", "fenced", "--json");
  expect(stopped).toMatchObject({ code: 0 });
  expect(JSON.parse(stopped.stdout)).toMatchObject({ stopped: true, stop: { state: "fenced" } });
  expect(await run("stops", "1")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("STOP_NOT_FOUND"),
  });
  await run("org", "resume");
});

test.each([
  [["revoke", "a", "--wait", "sometime"], "--wait must be fenced or drained"],
  [["revoke", "a", "--wait", "fenced", "--timeout", "5"], "--timeout must be a duration"],
  [["stops", "x"], "VERSION must be a whole number"],
  [["serve", "--lease-ttl", "1h"], "must be from 1s to 10m"],
])("misuse: %j", async (args, message) => {
  expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});
