import { execFile } from "node:child_process";
import diagnostics from "node:diagnostics_channel";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { createGuard } from "../../../src/index.ts";
import { Holder } from "../../../src/guard/holder.ts";
import { systemClock, Timekeeper } from "../../../src/guard/clock.ts";
import { obeysStops } from "../../../src/guard/lease/self-check.ts";
import type { LeaseAnswer } from "../../../src/wire/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import { codeOf, leased, TOOL } from "./scene.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A body that goes on until the test says so, whatever its signal says. */
function stubborn(): { work: () => Promise<string>; finish: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { work: () => promise, finish: () => resolve("done") };
}

test("a body that ignores its signal is named: in an event, in the guard, and to the authority", async () => {
  const { leases, guard, events } = await leased();
  const heard: unknown[] = [];
  const listener = (message: unknown): void => void heard.push(message);
  diagnostics.subscribe("machineid:undrained", listener);
  const { work, finish } = stubborn();
  const done = guard.protect({ kind: "tool", name: "transfer" }, work);
  expect(guard.undrained).toEqual([]);
  leases.stop("a");
  const undrained = (): unknown[] => events.filter(({ type }) => type === "undrained");
  await expect.poll(undrained, { timeout: 10_000 }).toHaveLength(1);
  diagnostics.unsubscribe("machineid:undrained", listener);
  expect(undrained()).toMatchObject([{ deviceId: "a", boundary: TOOL }]);
  expect(heard).toEqual(undrained());
  expect(guard.undrained).toEqual([TOOL]);
  expect(leases.all("ack")).toMatchObject([
    { version: 2, state: "fenced" },
    { version: 2, state: "fenced", running: [TOOL] },
  ]);
  finish();
  await done;
  expect(guard.undrained).toEqual([]);
  expect(leases.all("ack").at(-1)).toMatchObject({ version: 2, state: "drained" });
  await guard.close();
});

test("of many bodies that go on some are named to the authority, and by the beginning of long names", async () => {
  const { leases, guard, events } = await leased();
  const { work, finish } = stubborn();
  const name = "x".repeat(200);
  const done = Array.from({ length: 25 }, () => guard.protect({ kind: "tool", name }, work));
  leases.stop("a");
  const undrained = (): unknown[] => events.filter(({ type }) => type === "undrained");
  await expect.poll(undrained, { timeout: 10_000 }).toHaveLength(25);
  const { running } = leases.all("ack").at(-1) ?? {};
  expect(running).toEqual(
    Array.from({ length: 20 }, () => ({ kind: "tool", name: "x".repeat(100) })),
  );
  finish();
  await Promise.all(done);
  await guard.close();
});

test("of the devices of a stop those that have ended are drained at once, the others each in its time", async () => {
  const { leases, guard, clock } = await leased();
  const options = { enforcement: "lease", register: false, clock } as const;
  const other = createGuard(leases.client, { ...options, deviceId: "b" });
  const { work, finish } = stubborn();
  const done = other.protect(TOOL, work);
  await nextTurn();
  leases.stop("a", "b");
  expect(leases.all("ack")).toMatchObject([
    { devices: ["b"], state: "fenced" },
    { devices: ["a"], state: "drained" },
  ]);
  finish();
  await done;
  expect(leases.all("ack").at(-1)).toMatchObject({ devices: ["b"], state: "drained" });
  await Promise.all([guard.close(), other.close()]);
});

test("what was acknowledged is said again on a new connection, where it may not have arrived", async () => {
  const { leases, guard } = await leased();
  const { work, finish } = stubborn();
  const done = guard.protect(TOOL, work);
  leases.stop("a");
  leases.cut();
  finish();
  await done;
  const before = leases.all("ack").length;
  await expect.poll(() => leases.all("hello").length).toBe(2);
  expect(leases.all("ack").slice(before)).toMatchObject([
    { version: 2, devices: ["a"], state: "drained" },
  ]);
  await guard.close();
});

/** A stop that went to thousands. */
const CROWDED: LeaseAnswer = {
  type: "stop",
  version: 2,
  devices: ["a"],
  code: "DEVICE_REVOKED",
  request_id: "c3a1d9a2-6c0e-4f4e-9d8e-3f4a0e5b7c11",
  ack_after_ms: 50,
};

test("a stop that went to many is obeyed at once, and acknowledged when the authority has time", async () => {
  const { leases, guard } = await leased();
  const { signal } = guard.run();
  leases.push(CROWDED);
  expect(signal.aborted).toBe(true);
  expect(guard.status).toBe("stopped");
  expect(leases.all("ack")).toEqual([]);
  await expect.poll(() => leases.all("ack")).toMatchObject([{ version: 2, state: "drained" }]);
  await guard.close();
});

test("what was to be acknowledged later is acknowledged before a guard closes", async () => {
  const { leases, guard } = await leased();
  leases.push({ ...CROWDED, ack_after_ms: 1000 });
  await guard.close();
  const sent = leases.requests.map(({ type }) => type);
  expect(sent.slice(-2)).toEqual(["ack", "unwatch"]);
});

test("what was to be acknowledged later is acknowledged before a process ends", async () => {
  const child = fileURLToPath(new URL("exit-child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [child]);
  expect(JSON.parse(stdout)).toMatchObject({ type: "ack", version: 2, state: "drained" });
});

test("a device that was granted again acknowledges nothing of before on a new connection", async () => {
  const { leases, guard } = await leased();
  leases.stop("a");
  leases.denied.clear();
  leases.push({ type: "allow", version: 3, devices: ["a"] });
  await nextTurn();
  await expect(guard.check(TOOL)).resolves.toMatchObject({ allowed: true });
  const before = leases.all("ack").length;
  leases.cut();
  await expect.poll(() => leases.all("hello").length).toBe(2);
  expect(leases.all("ack")).toHaveLength(before);
  await guard.close();
});

test("a connection that answers no renewal is given up, and another is made in time", async () => {
  const { leases, guard, clock } = await leased();
  leases.answers = false;
  leases.push({ type: "allow", version: 1, devices: ["a"] });
  await nextTurn();
  clock.pass(3400);
  await expect.poll(() => leases.opened, { timeout: 10_000 }).toBe(2);
  leases.answers = true;
  await guard.close();
}, 15_000);

test("a grant counts for no device that was watched after it was asked for", async () => {
  const { leases, guard, clock } = await leased();
  leases.answers = false;
  leases.push({ type: "allow", version: 1, devices: ["a"] });
  await nextTurn();
  const { n = -1 } = leases.all("renew").at(-1) ?? {};
  const options = { enforcement: "lease", register: false, clock, checkTimeoutMs: 50 } as const;
  const late = createGuard(leases.client, { ...options, deviceId: "b" });
  const first = codeOf(late.protect(TOOL, () => "ran"));
  await expect.poll(() => leases.all("watch").length).toBe(1);
  leases.grant(n);
  expect(await first).toBe("AUTHORITY_TIMEOUT");
  expect(await codeOf(late.protect(TOOL, () => "ran"))).toBe("AUTHORITY_TIMEOUT");
  await Promise.all([guard.close(), late.close()]);
});

test("more devices than a message may name are watched in several", async () => {
  const leases = scriptedLeases();
  const options = { enforcement: "lease", register: false } as const;
  const guards = Array.from({ length: 1001 }, (_, index) =>
    createGuard(leases.client, { ...options, deviceId: `d${index}` }),
  );
  leases.refuses = true;
  await Promise.all(guards.map((guard) => codeOf(guard.check(TOOL))));
  leases.refuses = false;
  await expect.poll(() => leases.all("watch").length).toBe(1);
  expect(leases.all("hello")[0]?.devices).toHaveLength(1000);
  expect(leases.all("watch")[0]?.devices).toHaveLength(1);
  leases.stop(...guards.slice(0, 1000).map(({ deviceId }) => deviceId));
  expect(leases.all("ack").every(({ devices }) => devices.length <= 1000)).toBe(true);
  await Promise.all(guards.map((guard) => guard.close()));
});

test("a self-check says that stops are obeyed, without telling anyone of a stop", async () => {
  const { guard, events } = await leased();
  await expect.poll(() => events.map(({ type }) => type)).toContain("self_check");
  expect(events.find(({ type }) => type === "self_check")).toMatchObject({ outcome: "passed" });
  expect(events.filter(({ type }) => type === "stop")).toEqual([]);
  await guard.close();
});

test("where a signal cannot be aborted the self-check fails, and nothing begins", async () => {
  vi.spyOn(AbortController.prototype, "abort").mockImplementation(() => undefined);
  expect(await obeysStops(new Holder(new Timekeeper(systemClock)))).toBe(false);
  const events: unknown[] = [];
  const leases = scriptedLeases();
  const guard = createGuard(leases.client, {
    deviceId: "a",
    enforcement: "lease",
    register: false,
    onEvent: (event) => events.push(event),
  });
  await codeOf(guard.check(TOOL));
  await expect
    .poll(() => events)
    .toContainEqual({ type: "self_check", deviceId: "a", outcome: "failed" });
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("LEASE_EXPIRED");
  expect(await codeOf(guard.protect(TOOL, () => "ran", { strict: true }))).toBe("LEASE_EXPIRED");
  expect(guard.status).toBe("blind");
  await guard.close();
});
