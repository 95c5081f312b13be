import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { createGuard } from "../../../src/index.ts";
import type { Answer, GuardClient } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import type { ScriptedLeases } from "../../support/scripted-leases.ts";
import { codeOf, manualClock, TOOL } from "./scene.ts";

const answer = (status: number, body: unknown): Answer => ({
  status,
  body,
  requestId: undefined,
  retryAfterMs: undefined,
});

/** A client whose authority answers `meta` as told, and decides strictly otherwise. */
function clientOf(meta: () => Answer): {
  client: GuardClient;
  asked: string[];
  opened: () => number;
} {
  const leases = scriptedLeases();
  const asked: string[] = [];
  const client: GuardClient = {
    ...leases.client,
    request: async (operation) => {
      asked.push(operation);
      if (operation === "meta") return meta();
      return answer(200, { allowed: true, code: "ALLOW", status: "ok" });
    },
  };
  return { client, asked, opened: () => leases.opened };
}

const auto = { deviceId: "a", enforcement: "auto", register: false } as const;

test("auto takes leases where the authority offers them", async () => {
  const { client, asked, opened } = clientOf(() => answer(200, { features: ["lease"] }));
  const guard = createGuard(client, auto);
  await Promise.all([guard.check(TOOL), guard.check(TOOL)]);
  await guard.check(TOOL);
  expect(asked).toEqual(["meta"]);
  expect(opened()).toBe(1);
  expect(guard.status).toBe("armed");
  await guard.close();
});

test.each([
  ["404", answer(404, { status: "error", features: ["lease"] })],
  ["no features", answer(200, { name: "x" })],
  ["features that are no list", answer(200, { features: "lease" })],
])("auto is strict where it does not: %s", async (_name, meta) => {
  const { client, asked, opened } = clientOf(() => meta);
  const guard = createGuard(client, auto);
  await guard.check(TOOL);
  await guard.check(TOOL);
  expect(asked).toEqual(["meta", "validate", "validate"]);
  expect(opened()).toBe(0);
  expect(guard.status).toBe("armed");
});

test("auto begins nothing while the authority has not said, and asks again", async () => {
  let isUp = false;
  const { client } = clientOf(() => {
    if (!isUp) throw new Error("down");
    return answer(200, { features: ["lease"] });
  });
  const guard = createGuard(client, auto);
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("AUTHORITY_UNREACHABLE");
  isUp = true;
  await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
  await guard.close();
});

/** An authority that leases and decides strictly, whose channel is as a test makes it. */
function twoWays(): {
  leases: ScriptedLeases;
  client: GuardClient;
  strict: () => number;
} {
  const leases = scriptedLeases();
  let strict = 0;
  const client: GuardClient = {
    openLeaseChannel: (handlers) => leases.client.openLeaseChannel?.(handlers) ?? never,
    request: async (operation, body) => {
      if (operation === "meta") return answer(200, { features: ["lease"] });
      strict += 1;
      const allowed = !leases.denied.has(String(body?.["deviceId"]));
      const code = allowed ? "ALLOW" : "DEVICE_REVOKED";
      return answer(200, { allowed, code, status: "ok" });
    },
  };
  return { leases, client, strict: () => strict };
}

const never = new Promise<never>(() => undefined);

test("auto asks strictly where no channel can be opened, at every check", async () => {
  const { leases, client, strict } = twoWays();
  leases.refuses = true;
  const guard = createGuard(client, auto);
  await guard.check(TOOL);
  expect(guard.status).toBe("armed");
  leases.denied.add("a");
  expect(await codeOf(guard.check(TOOL))).toBe("DEVICE_REVOKED");
  expect(guard.status).toBe("stopped");
  leases.denied.clear();
  await guard.check(TOOL);
  expect(strict()).toBe(3);
  await guard.close();
});

test("auto waits for a channel that does not come once, and half a deadline at most", async () => {
  const { client, strict } = twoWays();
  const opened: unknown[] = [];
  const silent: GuardClient = {
    ...client,
    openLeaseChannel: (handlers) => {
      opened.push(handlers);
      return never;
    },
  };
  vi.useFakeTimers();
  try {
    const guard = createGuard(silent, { ...auto, checkTimeoutMs: 10_000 });
    const first = guard.check(TOOL, {});
    await vi.advanceTimersByTimeAsync(4_999);
    expect(strict()).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    await first;
    await guard.check(TOOL);
    await guard.check(TOOL);
    expect(strict()).toBe(3);
    expect(opened).toHaveLength(1);
    await guard.close();
  } finally {
    vi.useRealTimers();
  }
});

test("auto keeps its lease when the channel is lost, asks strictly after it, and leases again", async () => {
  const { leases, client, strict } = twoWays();
  const clock = manualClock();
  const guard = createGuard(client, { ...auto, clock });
  await guard.check(TOOL);
  leases.refuses = true;
  leases.cut();
  await guard.check(TOOL);
  expect([guard.status, strict()]).toEqual(["degraded", 0]);
  clock.pass(10_000);
  await guard.check(TOOL);
  expect([guard.status, strict()]).toEqual(["armed", 1]);
  leases.refuses = false;
  await expect.poll(() => leases.all("renew").length, { timeout: 10_000 }).toBeGreaterThan(1);
  await nextTurn();
  await guard.check(TOOL);
  expect(strict()).toBe(1);
  await guard.close();
});

test("auto asks strictly about a device that was stopped before the channel was lost", async () => {
  const { leases, client } = twoWays();
  const guard = createGuard(client, auto);
  const run = guard.run();
  await run.check(TOOL);
  leases.stop("a");
  leases.refuses = true;
  leases.cut();
  expect(await codeOf(guard.check(TOOL))).toBe("DEVICE_REVOKED");
  leases.denied.clear();
  await guard.check(TOOL);
  expect(guard.status).toBe("armed");
  await expect(run.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  await guard.close();
});

test("auto begins nothing where stops would not be obeyed, by request neither", async () => {
  const { leases, client, strict } = twoWays();
  const abort = vi.spyOn(AbortController.prototype, "abort").mockImplementation(() => undefined);
  const events: string[] = [];
  const guard = createGuard(client, { ...auto, onEvent: ({ type }) => events.push(type) });
  await codeOf(guard.check(TOOL));
  await expect.poll(() => events).toContain("self_check");
  const before = strict();
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("LEASE_EXPIRED");
  leases.refuses = true;
  leases.cut();
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("LEASE_EXPIRED");
  expect(strict()).toBe(before);
  abort.mockRestore();
  await guard.close();
});

test("a stop that was missed on a lost channel ends what a strict allow began meanwhile", async () => {
  const { leases, client } = twoWays();
  const guard = createGuard(client, auto);
  await guard.check(TOOL);
  leases.stop("a");
  leases.refuses = true;
  leases.cut();
  leases.denied.clear();
  const began = Promise.withResolvers<AbortSignal>();
  const ends = Promise.withResolvers<void>();
  const running = guard.protect(TOOL, async (signal) => {
    began.resolve(signal);
    await ends.promise;
  });
  const signal = await began.promise;
  leases.denied.add("a");
  leases.version = 7;
  leases.refuses = false;
  await expect.poll(() => signal.aborted).toBe(true);
  expect(leases.all("ack").at(-1)).toMatchObject({ version: 7, state: "fenced" });
  ends.resolve();
  await running;
  expect(leases.all("ack").at(-1)).toMatchObject({ version: 7, state: "drained" });
  await guard.close();
});

test("a stop that was missed on a lost channel is acknowledged, though the device was stopped before", async () => {
  const { leases, client } = twoWays();
  const guard = createGuard(client, auto);
  await guard.check(TOOL);
  leases.stop("a");
  leases.cut();
  leases.version = 7;
  await expect
    .poll(() => leases.all("ack").at(-1))
    .toMatchObject({ version: 7, devices: ["a"], state: "drained" });
  await guard.close();
});
