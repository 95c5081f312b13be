import { expect, test } from "vitest";
import { HeldSession } from "../../../src/authority/leases/held-session.ts";
import { StopHolder } from "../../../src/authority/leases/stop-holder.ts";
import { StopRecord } from "../../../src/authority/leases/stop-record.ts";

const stopOf = (version: number): StopRecord =>
  new StopRecord({
    version,
    orgId: "o",
    deviceIds: undefined,
    seenAt: 0,
    waitMs: 10_000,
    knowsAll: true,
    scope: "log",
    strictDevices: [],
    strictUntil: 0,
  });

/** A session that was given an allow of a device, and two stops that concern it. */
function stoppedTwice() {
  const session = new HeldSession({ id: "s", orgId: "o", keyHash: "k" });
  session.add("a", true);
  session.hold("a", { version: 1, until: 10_000, n: 1 }, 0);
  const stops = [stopOf(2), stopOf(3)] as const;
  for (const stop of stops) {
    const holder = StopHolder.of(session, undefined, stop.version, 0);
    if (holder !== undefined) stop.add(holder);
  }
  return { session, stops };
}

test("a session keeps the stops that it has not acknowledged in full, and no others", () => {
  const { session, stops } = stoppedTwice();
  const [first, second] = stops;
  expect(session.stops).toEqual([first, second]);
  first.acknowledge(session, { deviceIds: ["a"], state: "fenced" }, 0);
  expect(session.stops).toEqual([first, second]);
  first.acknowledge(session, { deviceIds: ["a"], state: "drained" }, 0);
  expect(session.stops).toEqual([second]);
  second.forget();
  expect(session.stops).toEqual([]);
});
