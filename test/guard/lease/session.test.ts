import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Timekeeper } from "../../../src/guard/clock.ts";
import { HeldDevice, RequestNumbers } from "../../../src/guard/held-device.ts";
import type { LeasedDevice } from "../../../src/guard/lease/leased-device.ts";
import { LeaseSession } from "../../../src/guard/lease/lease-session.ts";
import type { LeaseConnection } from "../../../src/guard/lease/lease-connection.ts";
import type { LeaseRequest } from "../../../src/wire/index.ts";
import { readDecision } from "../../../src/wire/index.ts";
import { manualClock } from "./scene.ts";
import type { ManualClock } from "./scene.ts";

const NO_OTHER_WAY = {
  patienceMs: 60_000,
  otherwise: () => Promise.reject(new Error("asked otherwise")),
};
const NEVER = { isCancelled: false, reason: undefined, onCancel: () => undefined };

interface Scene {
  readonly session: LeaseSession;
  readonly connection: LeaseConnection;
  readonly leased: LeasedDevice;
  readonly clock: ManualClock;
  /** Opens another connection in place of the one before. */
  readonly reopen: () => void;
  /** How often the listener was told that something has changed. */
  readonly changes: () => number;
  /** The last timer that was set. */
  readonly timer: () => { readonly delayMs: number; readonly action: () => void };
  /** Answers the last renewal with an allow. */
  readonly grant: (termMs: number) => void;
}

/** A session that watches device `a` over a connection, and has asked for nothing. */
function scene(): Scene {
  const sent: LeaseRequest[] = [];
  const timers: { delayMs: number; action: () => void }[] = [];
  const clock = manualClock();
  const numbers = new RequestNumbers();
  let changes = 0;
  const session = new LeaseSession({
    numbers,
    time: new Timekeeper(clock),
    readDecision,
    schedule: (action, delayMs) => {
      timers.push({ action, delayMs });
      return () => undefined;
    },
  });
  const open = (): LeaseConnection => session.open((message) => sent.push(message));
  const connection = open();
  const nothing = { undrained: () => undefined, selfChecked: () => undefined };
  const changed = (): void => {
    changes += 1;
  };
  const leased = session.watch(new HeldDevice("a", numbers), { ...nothing, changed });
  return {
    session,
    connection,
    leased,
    clock,
    reopen: open,
    changes: () => changes,
    timer: () => timers.at(-1) ?? { delayMs: Number.NaN, action: () => undefined },
    grant(termMs) {
      const n = sent.findLast(({ type }) => type === "renew");
      const decisions = { a: { allowed: true, code: "ALLOW", request_id: "r" } };
      connection.receive(
        JSON.stringify({ ...n, type: "grant", ttl_ms: termMs, version: 1, decisions }),
      );
    },
  };
}

test("a self-check that fails answers the checks that wait, and no lease is taken after it", async () => {
  const { session, leased, clock, reopen, grant } = scene();
  const lease = session.ask(leased, NEVER);
  const strict = session.check(leased, NEVER, NO_OTHER_WAY);
  await nextTurn();
  session.trust(false);
  for (const waiting of [lease, strict]) {
    expect(await waiting).toMatchObject({ verdict: { code: "LEASE_EXPIRED" } });
  }
  reopen();
  grant(10_000);
  expect(leased.leftMs({ monotonicMs: 0, wallMs: clock.wall, setbacks: 0 })).toBeLessThan(0);
  expect(await session.ask(leased, NEVER)).toMatchObject({ verdict: { code: "LEASE_EXPIRED" } });
});

test("a stop answers the checks that wait, strict ones too, and nothing is asked again for them", async () => {
  const { session, connection, leased } = scene();
  const lease = session.ask(leased, NEVER);
  const strict = session.check(leased, NEVER, NO_OTHER_WAY);
  await nextTurn();
  connection.receive('{"type":"stop","version":2,"devices":["a"],"code":"DEVICE_REVOKED"}');
  for (const waiting of [lease, strict]) {
    expect(await waiting).toMatchObject({ verdict: { outcome: "denied", code: "DEVICE_REVOKED" } });
  }
});

test("who listens is told at once when a connection is lost, and when one opens", () => {
  const { session, connection, changes } = scene();
  const before = changes();
  connection.lose();
  expect(changes()).toBe(before + 1);
  session.open(() => undefined);
  expect(changes()).toBe(before + 2);
});

test("who listens is told at once of a stop", () => {
  const { connection, changes, leased } = scene();
  const before = changes();
  connection.receive('{"type":"stop","version":2,"devices":["a"],"code":"DEVICE_REVOKED"}');
  expect(leased.isDenied).toBe(true);
  expect(changes()).toBe(before + 1);
});

test("who listens is told when the lease ends, and not at the next renewal after it", async () => {
  const { session, connection, leased, clock, changes, timer, grant } = scene();
  const granted = session.ask(leased, NEVER);
  await nextTurn();
  grant(999);
  await granted;
  connection.lose();
  const delays: number[] = [];
  for (let wake = 0; wake < 3; wake += 1) {
    const { delayMs, action } = timer();
    delays.push(Math.round(delayMs));
    clock.pass(delayMs);
    const before = changes();
    action();
    expect(changes()).toBe(before + 1);
  }
  // 1 % of the term is given up, and a timer fires when the lease is over.
  expect(delays).toEqual([333, 333, 324]);
});
