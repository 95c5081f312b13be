import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { HeldDevice } from "../../../src/guard/held-device.ts";
import { createGuard, MachineID } from "../../../src/index.ts";
import type { Answer, GuardClient } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import { codeOf, leased, TOOL } from "./scene.ts";

const STRICT = { strict: true } as const;
const LEASED = { deviceId: "a", enforcement: "lease", register: false } as const;

const allowedByRequest = (leases: { client: GuardClient }, asked: string[]): void => {
  Object.assign(leases.client, {
    request: async (operation: string): Promise<Answer> => {
      asked.push(operation);
      const body = { allowed: true, code: "ALLOW" };
      return { status: 200, body, requestId: undefined, retryAfterMs: undefined };
    },
  });
};

test("strict checks that wait in the same turn share one message", async () => {
  const { leases, guard, clock } = await leased();
  const options = { enforcement: "lease", register: false, clock } as const;
  const other = createGuard(leases.client, { ...options, deviceId: "b" });
  await other.check(TOOL);
  const all = Array.from({ length: 64 }, (_, index) =>
    (index % 2 === 0 ? guard : other).check(TOOL, STRICT),
  );
  await expect(Promise.all(all)).resolves.toHaveLength(64);
  expect(leases.all("check")).toMatchObject([{ devices: ["a", "b"] }]);
  await Promise.all([guard.close(), other.close()]);
});

test("the first strict check waits for the channel, and asks there what the lease does not say", async () => {
  await import("../../../src/guard/lease/index.ts");
  const leases = scriptedLeases();
  const guard = createGuard(leases.client, { ...LEASED, checkTimeoutMs: 10_000 });
  leases.onRequest = ({ type }) => {
    if (type === "check") leases.denied.add("a");
  };
  expect(await codeOf(guard.protect(TOOL, () => "ran", STRICT))).toBe("DEVICE_REVOKED");
  expect(leases.requests.map(({ type }) => type)).toEqual(["hello", "renew", "check", "ack"]);
  await guard.close();
});

test("where no channel can be had, the first strict check asks by a request", async () => {
  await import("../../../src/guard/lease/index.ts");
  const leases = scriptedLeases();
  leases.refuses = true;
  const asked: string[] = [];
  allowedByRequest(leases, asked);
  const guard = createGuard(leases.client, { ...LEASED, checkTimeoutMs: 100 });
  await guard.check(TOOL, STRICT);
  expect(asked).toEqual(["validate"]);
  await guard.close();
});

test("the first strict check begins nothing where stops are found not to be obeyed", async () => {
  await import("../../../src/guard/lease/index.ts");
  const abort = vi.spyOn(HeldDevice.prototype, "abort").mockReturnValue(undefined);
  const leases = scriptedLeases();
  const guard = createGuard(leases.client, { ...LEASED, checkTimeoutMs: 10_000 });
  expect(await codeOf(guard.protect(TOOL, () => "ran", STRICT))).toBe("LEASE_EXPIRED");
  abort.mockRestore();
  await guard.close();
});

test("a strict check that the channel does not answer is asked by a request in time", async () => {
  const { leases, guard } = await leased();
  const asked: string[] = [];
  allowedByRequest(leases, asked);
  leases.answers = false;
  await guard.check(TOOL, STRICT);
  expect(leases.all("check")).toHaveLength(1);
  expect(asked).toEqual(["validate"]);
  await guard.close();
});

test("a strict check that began after a message was sent is not answered by it", async () => {
  const { leases, guard } = await leased();
  leases.answers = false;
  const first = guard.check(TOOL, STRICT);
  await nextTurn();
  let isSecondDone = false;
  const second = guard.check(TOOL, STRICT).then(() => (isSecondDone = true));
  await nextTurn();
  const [one, two] = leases.all("check");
  leases.decide(one);
  await first;
  expect(isSecondDone).toBe(false);
  leases.decide(two);
  await second;
  expect(two?.n).toBeGreaterThan(one?.n ?? Number.POSITIVE_INFINITY);
  await guard.close();
});

test("the answer to a strict check is no lease, and is good for its own time from its sending", async () => {
  const { leases, guard, clock } = await leased({ checkTimeoutMs: 10_000 });
  leases.answers = false;
  clock.pass(9000);
  const young = guard.check(TOOL, STRICT);
  await nextTurn();
  clock.pass(1500);
  leases.decide(leases.all("check").at(-1));
  await expect(young).resolves.toMatchObject({ allowed: true });
  const old = guard.protect(TOOL, () => "ran", STRICT);
  await nextTurn();
  clock.pass(1990);
  leases.decide(leases.all("check").at(-1));
  expect(await codeOf(old)).toBe("LEASE_EXPIRED");
  expect(guard.status).toBe("blind");
  await guard.close();
});

test("a denial in the answer to a strict check is a stop like any other", async () => {
  const { leases, guard } = await leased();
  const run = guard.run();
  const { signal } = run;
  leases.denied.add("a");
  leases.version = 9;
  expect(await codeOf(guard.protect(TOOL, () => "ran", STRICT))).toBe("DEVICE_REVOKED");
  expect(signal.reason).toBe(run.stopped);
  expect(leases.all("ack")).toMatchObject([{ version: 9, state: "drained" }]);
  expect(await codeOf(guard.check(TOOL))).toBe("DEVICE_REVOKED");
  await guard.close();
});

test("a strict check that is denied hears of it when the answer arrives", async () => {
  // No deadline ends these in time: they are answered, or the test is not.
  const { leases, guard } = await leased({ checkTimeoutMs: 3_600_000 });
  leases.denied.add("a");
  const denied = [guard.check(TOOL, STRICT), guard.check(TOOL, STRICT)];
  expect(await Promise.all(denied.map(codeOf))).toEqual(["DEVICE_REVOKED", "DEVICE_REVOKED"]);
  expect(leases.all("check")).toHaveLength(1);
  await guard.close();
});

test("a strict check that was given up before its message was sent is not asked for", async () => {
  const { leases, guard } = await leased({ checkTimeoutMs: 60_000 });
  const given = new AbortController();
  const options = { ...STRICT, signal: given.signal };
  const up = guard.check(TOOL, options);
  given.abort(new Error("not needed"));
  await expect(up).rejects.toThrow("not needed");
  await nextTurn();
  expect(leases.all("check")).toEqual([]);
  await guard.close();
});

test("a stop answers the strict checks that wait, and voids an allow that is on its way", async () => {
  const { leases, guard } = await leased();
  leases.answers = false;
  const waiting = guard.protect(TOOL, () => "ran", STRICT);
  await nextTurn();
  const [sent] = leases.all("check");
  leases.stop("a");
  leases.denied.clear();
  leases.decide(sent);
  expect(await codeOf(waiting)).toBe("DEVICE_REVOKED");
  await guard.close();
});

const deniedByRequest = async (): Promise<Answer> => ({
  status: 200,
  body: { allowed: false, code: "DEVICE_REVOKED" },
  requestId: undefined,
  retryAfterMs: undefined,
});

test("an allow that was voided on its way is asked for again", async () => {
  const { leases, guard, clock } = await leased();
  const options = { enforcement: "lease", register: false, clock } as const;
  leases.answers = false;
  const waiting = guard.check(TOOL, STRICT);
  await nextTurn();
  const [sent] = leases.all("check");
  // A denial that another guard of the device got by request discards what was asked before it.
  Object.assign(leases.client, { request: deniedByRequest });
  const strict = createGuard(leases.client, { ...options, deviceId: "a", enforcement: "strict" });
  await codeOf(strict.check(TOOL));
  leases.decide(sent);
  await nextTurn();
  const again = leases.all("check").at(-1);
  expect(again?.n).toBeGreaterThan(sent?.n ?? Number.POSITIVE_INFINITY);
  leases.decide(again);
  await expect(waiting).resolves.toMatchObject({ allowed: true });
  await guard.close();
});

test("an answer that comes while its message is being sent leaves nothing waiting", async () => {
  const { leases, guard } = await leased({ checkTimeoutMs: 3_600_000 });
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  leases.answers = false;
  leases.onRequest = (request) => {
    if (request.type === "check") leases.decide(request);
  };
  const before = timers();
  await guard.check(TOOL, STRICT);
  expect(timers()).toBe(before);
  await guard.close();
});

test.each([
  ["no longer, all in all, than who asks once", 29_990],
  ["no more once that time is over", 30_010],
])("who asks anew waits for the channel %s", async (_, askedAnewAfterMs) => {
  const warnings: string[] = [];
  const warned = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", warned);
  const { leases, guard, clock } = await leased({ checkTimeoutMs: 60_000 });
  const options = { enforcement: "strict", register: false, clock } as const;
  leases.answers = false;
  const waiting = guard.check(TOOL, STRICT);
  await nextTurn();
  const [sent] = leases.all("check");
  const other = createGuard(leases.client, { ...options, deviceId: "a" });
  Object.assign(leases.client, { request: deniedByRequest });
  await codeOf(other.check(TOOL));
  const asked: string[] = [];
  allowedByRequest(leases, asked);
  clock.pass(askedAnewAfterMs);
  leases.decide(sent);
  await nextTurn();
  expect(leases.all("check")).toHaveLength(2);
  await expect(waiting).resolves.toMatchObject({ allowed: true });
  expect(asked).toHaveLength(1);
  expect(warnings).not.toContain("TimeoutNegativeWarning");
  process.off("warning", warned);
  await guard.close();
});

test("without a channel a strict check asks by a request, also when it is lost on the way", async () => {
  const { leases, guard } = await leased();
  const asked: string[] = [];
  allowedByRequest(leases, asked);
  leases.answers = false;
  const waiting = guard.check(TOOL, STRICT);
  await nextTurn();
  leases.refuses = true;
  leases.cut();
  await waiting;
  await guard.check(TOOL, STRICT);
  expect(asked).toEqual(["validate", "validate"]);
  await guard.close();
});

test("an answer that does not name the device allows nothing", async () => {
  const { leases, guard } = await leased();
  leases.answers = false;
  const waiting = guard.protect(TOOL, () => "ran", STRICT);
  await nextTurn();
  const { n } = leases.all("check").at(-1) ?? { n: -1 };
  leases.push({ type: "decision", n, version: 1, valid_ms: 2000, decisions: {} });
  expect(await codeOf(waiting)).toBe("AUTHORITY_MALFORMED");
  await guard.close();
});

test("a client that verifies receipts gets no lease, since leases are not signed", () => {
  const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
  const client = new MachineID({ orgKey: "org_test", authorityKey: key });
  expect(() => createGuard(client, { deviceId: "a", enforcement: "lease" })).toThrow(
    "leases are not signed",
  );
});
