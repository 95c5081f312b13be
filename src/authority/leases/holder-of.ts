import type { HeldSession } from "./held-session.ts";
import type { StopHolder } from "./stop-record.ts";

/** What a stop has of a session: it was given older allows, or it is connected or was lost, and may run something. */
export function holderOf(
  session: HeldSession,
  deviceIds: ReadonlySet<string> | undefined,
  version: number,
  now: number,
): StopHolder | undefined {
  const named = session.stopped(deviceIds, version, now);
  if (named.length === 0) return undefined;
  const devices: StopHolder["devices"] = new Map();
  let until = 0;
  for (const deviceId of named) {
    devices.set(deviceId, "none");
    until = Math.max(until, session.endOf(deviceId, version, now) ?? 0);
  }
  return { session, devices, until, fencedAt: undefined, drainedAt: undefined };
}
