import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createGuard } from "../../../src/index.ts";
import type { GuardClient } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import { codeOf, leased, manualClock, TOOL } from "./scene.ts";

test("under a lease a check asks nobody", async () => {
  const { leases, guard } = await leased();
  const asked = leases.all("renew").length;
  for (let check = 0; check < 100; check += 1) await guard.check(TOOL);
  await expect(guard.protect(TOOL, (_signal, { fence }) => fence)).resolves.toBe(1);
  expect(leases.all("renew")).toHaveLength(asked);
  expect(guard.status).toBe("armed");
  await guard.close();
});

test("all guards under one key share a session and its one connection", async () => {
  const { leases, guard, clock } = await leased();
  const options = { enforcement: "lease", register: false, clock } as const;
  const other = createGuard(leases.client, { ...options, deviceId: "b" });
  await other.check(TOOL);
  expect(leases.opened).toBe(1);
  expect(leases.all("hello")).toHaveLength(1);
  expect(leases.all("watch")).toMatchObject([{ devices: ["b"] }]);
  await Promise.all([guard.close(), other.close()]);
});

test.each([
  ["within its time", 9899, 9899, "allowed"],
  ["after it, by the monotonic clock", 9901, 9901, "LEASE_EXPIRED"],
  ["after a sleep that only the wall clock saw", 0, 60_000, "LEASE_EXPIRED"],
  ["after the wall clock went back", 10, -1, "LEASE_EXPIRED"],
])(
  "a lease is counted from the sending of its renewal: %s",
  async (_name, mono, wall, expected) => {
    const { leases, guard, clock } = await leased();
    leases.refuses = true;
    leases.cut();
    clock.monotonic += mono;
    clock.wall += wall;
    expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe(expected);
    expect(guard.status).toBe(expected === "allowed" ? "degraded" : "blind");
    await guard.close();
  },
);

test("the time that a grant takes to arrive is part of its term", async () => {
  const leases = scriptedLeases();
  const clock = manualClock();
  leases.answers = false;
  const options = { deviceId: "a", enforcement: "lease", register: false, clock } as const;
  const guard = createGuard(leases.client, options);
  const first = guard.check(TOOL, {});
  await nextTurn();
  clock.pass(1500);
  leases.grant(leases.all("renew")[0]?.n ?? -1);
  await first;
  clock.pass(8399);
  await expect(guard.check(TOOL)).resolves.toMatchObject({ allowed: true });
  clock.pass(2);
  leases.refuses = true;
  leases.cut();
  expect(await codeOf(guard.check(TOOL))).toBe("LEASE_EXPIRED");
  await guard.close();
});

test("a lease that a jump of the wall clock ended does not come back with the clock", async () => {
  const { leases, guard, clock } = await leased();
  leases.refuses = true;
  leases.cut();
  clock.wall += 60_000;
  expect(await codeOf(guard.check(TOOL))).toBe("LEASE_EXPIRED");
  clock.wall -= 60_000;
  expect(await codeOf(guard.check(TOOL))).toBe("LEASE_EXPIRED");
  await guard.close();
});

test("on a stop no check passes, then signals abort, then fenced is acknowledged, then drained", async () => {
  const { leases, guard } = await leased();
  const order: string[] = [];
  const run = guard.run();
  let finish: () => void = () => undefined;
  const work = run.protect(TOOL, async (signal) => {
    signal.addEventListener("abort", () => {
      const fenced = leases.all("ack").length;
      order.push(`aborted after ${fenced} acknowledgements`);
      void codeOf(guard.check(TOOL)).then((code) => order.push(`check: ${String(code)}`));
    });
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return signal.reason;
  });
  leases.stop("a");
  expect(leases.all("ack")).toMatchObject([{ version: 2, devices: ["a"], state: "fenced" }]);
  await nextTurn();
  expect(order).toEqual(["aborted after 0 acknowledgements", "check: DEVICE_REVOKED"]);
  expect(leases.all("ack")).toHaveLength(1);
  finish();
  expect(await work).toBe(run.stopped);
  await nextTurn();
  expect(leases.all("ack")).toMatchObject([
    { state: "fenced" },
    { version: 2, devices: ["a"], state: "drained" },
  ]);
  expect(guard.status).toBe("stopped");
  await guard.close();
});

test("a stop of several devices lets none of them begin while another is aborted", async () => {
  const { leases, guard, clock } = await leased();
  const options = { enforcement: "lease", register: false, clock } as const;
  const other = createGuard(leases.client, { ...options, deviceId: "b" });
  await other.check(TOOL);
  const run = guard.run();
  let seen: Promise<unknown> | undefined;
  run.signal.addEventListener("abort", () => {
    seen = codeOf(other.protect(TOOL, () => "ran"));
  });
  leases.stop("a", "b");
  expect(await seen).toBe("DEVICE_REVOKED");
  expect(leases.all("ack")[0]).toMatchObject({ devices: ["a", "b"], state: "drained" });
  await Promise.all([guard.close(), other.close()]);
});

test("a run that a stop passed over between its checks is over all the same", async () => {
  const { leases, guard } = await leased();
  const run = guard.run();
  await run.check(TOOL);
  leases.stop("a");
  leases.denied.clear();
  leases.push({ type: "allow", version: 3, devices: ["a"] });
  await nextTurn();
  await expect(guard.check(TOOL)).resolves.toMatchObject({ allowed: true });
  await expect(run.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  await guard.close();
});

test("a stop between the allow and the body keeps the body from beginning", async () => {
  const { leases, guard } = await leased({
    onEvent: (event) => {
      if (event.type === "check" && event.boundary.name === "second") leases.stop("a");
    },
  });
  const second = guard.protect({ kind: "tool", name: "second" }, () => "ran");
  await expect(second).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  await guard.close();
});

test("a grant that was asked for before a stop is void, whenever it arrives", async () => {
  const { leases, guard } = await leased();
  leases.answers = false;
  leases.push({ type: "allow", version: 1, devices: ["a"] });
  await nextTurn();
  const { n = -1 } = leases.all("renew").at(-1) ?? {};
  leases.stop("a");
  leases.denied.clear();
  leases.grant(n);
  expect(await codeOf(guard.check(TOOL))).toBe("DEVICE_REVOKED");
  await guard.close();
});

test("allow restores nothing by itself", async () => {
  const { leases, guard } = await leased();
  leases.stop("a");
  leases.answers = false;
  leases.push({ type: "allow", version: 9, devices: ["a"] });
  expect(await codeOf(guard.check(TOOL))).toBe("DEVICE_REVOKED");
  await guard.close();
});

test("a denial in a grant stops what runs, as a stop does that was lost on its way", async () => {
  const { leases, guard } = await leased();
  const run = guard.run();
  const { signal } = run;
  leases.denied.add("a");
  leases.version = 7;
  leases.push({ type: "allow", version: 7, devices: ["a"] });
  await nextTurn();
  expect(signal.aborted).toBe(true);
  expect(leases.all("ack")[0]).toMatchObject({ version: 7, devices: ["a"], state: "drained" });
  await guard.close();
});

test("n grows over all connections of a session, and an old connection's grant is void", async () => {
  const { leases, guard, clock } = await leased();
  leases.answers = false;
  leases.push({ type: "allow", version: 1, devices: ["a"] });
  await nextTurn();
  const before = leases.all("renew").at(-1)?.n ?? -1;
  const [session] = leases.all("hello");
  clock.pass(9899);
  leases.cut();
  await expect.poll(() => leases.all("hello").length).toBe(2);
  expect(leases.all("hello")[1]?.session).toBe(session?.session);
  const after = leases.all("renew").at(-1)?.n ?? -1;
  expect(after).toBeGreaterThan(before);
  leases.grant(before);
  clock.pass(2);
  expect(await codeOf(guard.check(TOOL))).toBe("AUTHORITY_TIMEOUT");
  await guard.close();
});

test("closing the last guard of a device releases it under a number of its own", async () => {
  const { leases, guard } = await leased();
  const { n: renewed = 0 } = leases.all("renew").at(-1) ?? {};
  await guard.close();
  const [released] = leases.all("unwatch");
  expect(released).toMatchObject({ devices: ["a"] });
  expect(released?.n).toBeGreaterThan(renewed);
});

test("after the last guard was closed, the next one connects again", async () => {
  const { leases, guard, clock } = await leased();
  await guard.close();
  const options = { enforcement: "lease", register: false, clock } as const;
  const next = createGuard(leases.client, { ...options, deviceId: "a" });
  await expect(next.check(TOOL)).resolves.toMatchObject({ allowed: true });
  expect(leases.opened).toBe(2);
  await next.close();
});

test("a device that was released is out of lease, though its time is not over", async () => {
  const { leases, guard, clock } = await leased();
  await guard.close();
  leases.answers = false;
  const options = { enforcement: "lease", register: false, clock, checkTimeoutMs: 50 } as const;
  const next = createGuard(leases.client, { ...options, deviceId: "a" });
  await codeOf(next.check(TOOL));
  expect(await codeOf(next.protect(TOOL, () => "ran"))).toBe("AUTHORITY_TIMEOUT");
  await next.close();
});

test("a release makes void what another guard of the device was just allowed", async () => {
  const { leases, guard, clock } = await leased();
  const client: GuardClient = Object.assign(leases.client, {
    request: async () => ({
      status: 200,
      body: { allowed: true },
      requestId: undefined,
      retryAfterMs: undefined,
    }),
  });
  const strict = createGuard(client, {
    deviceId: "a",
    register: false,
    clock,
    onEvent: () => void guard.close(),
  });
  expect(await codeOf(strict.protect(TOOL, () => "ran"))).toBe("LEASE_EXPIRED");
  expect(await codeOf(strict.protect(TOOL, () => "ran"))).toBe("allowed");
});

test("a check that nobody awaits stops its run under a lease too", async () => {
  const { guard } = await leased();
  const run = guard.run();
  const ended = once(run.signal, "abort");
  void run.check(TOOL);
  await ended;
  expect(run.stopped).toMatchObject({ code: "UNAWAITED_CHECK" });
  await guard.close();
});
