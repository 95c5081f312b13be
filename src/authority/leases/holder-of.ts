import type { HeldSession } from "./held-session.ts";
import type { StopHolder } from "./stop-record.ts";

/** What a stop has of a session: it was given older allows, or it is connected or was lost, and may run something. */
export function holderOf(
  session: HeldSession,
  deviceIds: readonly string[],
  version: number,
  now: number,
): StopHolder | undefined {
  let until = 0;
  const named = deviceIds.filter((deviceId) => {
    const end = session.endOf(deviceId, version, now);
    until = Math.max(until, end ?? 0);
    return end !== undefined || session.mayRun(deviceId);
  });
  if (named.length === 0) return undefined;
  const devices = new Map(named.map((deviceId) => [deviceId, "none" as const]));
  return { session, devices, until, fencedAt: undefined, drainedAt: undefined };
}
