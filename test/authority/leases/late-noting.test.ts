import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuard, MachineID } from "../../../src/index.ts";
import { sqliteStore } from "../../../src/authority/index.ts";
import type { LeaseStore, Store } from "../../../src/authority/index.ts";
import { FanOut } from "../../../src/authority/leases/fan-out.ts";
import { HeldSessions } from "../../../src/authority/leases/held-sessions.ts";
import type { StopRecord } from "../../../src/authority/leases/stop-record.ts";
import { Stops } from "../../../src/authority/leases/stops.ts";
import { StrictAllows } from "../../../src/authority/leases/strict-allows.ts";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { Answer, TestAuthority } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";
import { replaced } from "../../support/replaced.ts";
import { createScopedKey } from "../../support/scoped-keys.ts";

const TOOL = { kind: "tool", name: "transfer" } as const;

describe("a stop is not drained", () => {
  let authority: TestAuthority;
  /** Holds the next decision back after it was read, until it resolves. */
  let gate: Promise<void> | undefined;
  let onRead: (() => void) | undefined;

  const post = (path: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/${path}`, body);
  const stopOf = async (version: unknown): Promise<unknown> => {
    const { body } = await call(authority, "GET", `/api/v1/stops/${String(version)}`);
    return body["stop"];
  };

  beforeEach(async () => {
    const real = await sqliteStore(":memory:");
    const { leases } = real;
    if (leases === undefined) throw new Error("no leases");
    const decideAll: LeaseStore["decideAll"] = async (...asked) => {
      const held = gate;
      gate = undefined;
      const decided = await leases.decideAll(...asked);
      if (held !== undefined) onRead?.();
      await held;
      return decided;
    };
    const slow = replaced(leases, "decideAll", decideAll);
    const store: Store = replaced(real, "leases", slow);
    // Time stands still: what is said is said because it was acknowledged.
    authority = await startTestAuthority({ store, monotonicMs: () => 1_000_000 });
    for (const deviceId of ["a", "b"]) await post("devices/register", { deviceId });
  });
  afterEach(() => authority.close());

  it("while something runs whose process learned of its key's end by a renewal before", async () => {
    const { secret, keyId } = await createScopedKey(authority, "agent");
    await using client = await LeaseClient.holding(authority.url, secret, ["a"]);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    gate = promise;
    const read = new Promise<void>((resolve) => {
      onRead = resolve;
    });
    const { version } = (await post("keys/revoke", { keyId })).body;
    await read;
    const denied = await client.renew();
    expect(denied.decisions).toMatchObject({ a: { code: "ORG_KEY_INVALID" } });
    client.ack(denied.version, ["a"], "fenced");
    await client.renew();
    release();
    await client.renew();
    expect(await stopOf(version)).not.toMatchObject({ state: "drained" });
    const stop = await client.next("stop");
    client.ack(stop.version, ["a"], "fenced");
    await client.renew();
    expect(await stopOf(version)).toMatchObject({ state: "fenced", holders: 1, drained: 0 });
    client.ack(stop.version, ["a"], "drained");
    await client.renew();
    expect(await stopOf(version)).toMatchObject({ state: "drained", holders: 1, drained: 1 });
  });

  it("while something runs whose guard was closed, and reaches that", async () => {
    const client = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
    const guard = createGuard(client, { deviceId: "a", enforcement: "lease" });
    const began = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const ends = Promise.withResolvers<void>();
    const running = guard.protect(TOOL, async (signal) => {
      signal.addEventListener("abort", () => aborted.resolve());
      began.resolve();
      await ends.promise;
    });
    await began.promise;
    await guard.close();
    const fenced = await client.revoke("a", { wait: "fenced" });
    expect(fenced).toMatchObject({ stop: { state: "fenced", holders: 1, drained: 0 } });
    await aborted.promise;
    ends.resolve();
    await running;
    const drained = await client.revoke("a", { wait: "drained" });
    expect(drained).toMatchObject({ stop: { state: "drained", drained: 1 } });
  });
});

/** The account of stops of an authority that is alone, by a clock that is moved by hand. */
function account() {
  const time = { monotonicMs: 1_000_000 };
  const clock = (): number => time.monotonicMs;
  const replicas = {
    reported: () => new Promise<never>(() => undefined),
    report: () => undefined,
    knowsAll: true,
    isExclusive: true,
  };
  const [sessions, strict, fanOut] = [new HeldSessions(), new StrictAllows(), new FanOut()];
  const stops = new Stops({ clock, now: clock, sessions, strict, fanOut, replicas });
  return { time, sessions, fanOut, stops };
}

describe("a stop that was forgotten", () => {
  it("is fenced when it is asked for again, and not drained", () => {
    const { time, stops } = account();
    const begin = (version: number): StopRecord =>
      stops.begin({ version, orgId: "o", deviceIds: ["a"] }, { waitMs: 10, scope: "log" });
    const isDrainedHere = (version: number): boolean => {
      const record = begin(version);
      stops.gathered(record);
      time.monotonicMs += 100;
      stops.look(record);
      return record.isDrainedHere;
    };
    expect(isDrainedHere(1)).toBe(true);
    for (let version = 2; stops.get(1) !== undefined; version += 1) isDrainedHere(version);
    expect(isDrainedHere(1)).toBe(false);
    expect(isDrainedHere(10_000)).toBe(true);
    stops.close();
  });
});

describe("a stop whose holders are being found out", () => {
  it("is fenced when its time is over, and not drained before all of them are known", () => {
    const { time, stops } = account();
    const stop = { version: 1, orgId: "o", deviceIds: undefined };
    const record = stops.begin(stop, { waitMs: 10, scope: "log", isDecided: true });
    time.monotonicMs += 100;
    stops.look(record);
    expect([record.isFenced, record.isDrainedHere]).toEqual([true, false]);
    stops.gathered(record);
    expect(record.isDrainedHere).toBe(true);
    stops.close();
  });

  it("counts who acknowledges before it was noted", () => {
    const { time, sessions, fanOut, stops } = account();
    const session = sessions.of({ id: "s", orgId: "o", keyHash: "k" });
    session.add("a", true);
    sessions.index(session, "a");
    const until = time.monotonicMs + 10_000;
    session.hold("a", { version: 1, until, n: 1 }, time.monotonicMs);
    const stop = { version: 2, orgId: "o", deviceIds: ["a"] };
    const record = stops.begin(stop, { waitMs: 10_000, scope: "log" });
    stops.acknowledge(session, 2, { deviceIds: ["a"], state: "drained" });
    fanOut.flush();
    expect(record.counts(time.monotonicMs)).toEqual({ holders: 1, fenced: 1, drained: 1 });
    stops.close();
  });
});

describe("a stop of a batch", () => {
  let authority: TestAuthority;
  const post = (path: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/${path}`, body);

  beforeEach(async () => {
    authority = await startTestAuthority({ monotonicMs: () => 1_000_000 });
    for (const deviceId of ["a", "b"]) await post("devices/register", { deviceId });
  });
  afterEach(() => authority.close());

  it("keeps what was acknowledged when it is waited for with a device that was stopped before", async () => {
    await using client = await LeaseClient.holding(authority.url, authority.ownerKey, ["b"]);
    await post("devices/revoke", { deviceId: "a" });
    const { version } = (await post("devices/revoke", { deviceId: "b" })).body;
    await client.next("stop");
    client.ack(Number(version), ["b"], "drained");
    await client.renew();
    const again = await post("devices/revoke_batch", { deviceIds: ["a", "b"], wait: "drained" });
    expect(again.body["stop"]).toMatchObject({ version, state: "drained", drained: 1 });
  });

  it("answers who waits for it already as soon as it is fenced", async () => {
    await using client = await LeaseClient.holding(authority.url, authority.ownerKey, ["b"]);
    await post("devices/revoke", { deviceId: "a" });
    const waiting = post("devices/revoke", { deviceId: "b", wait: "fenced", timeout_ms: 2_000 });
    const { version } = await client.next("stop");
    await post("devices/revoke_batch", { deviceIds: ["a", "b"], wait: "none" });
    client.ack(version, ["b"], "fenced");
    expect((await waiting).body["stop"]).toMatchObject({ version, state: "fenced", fenced: 1 });
  });
});
