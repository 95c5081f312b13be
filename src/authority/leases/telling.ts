import type { MonotonicClock } from "./clock.ts";
import { ChangeFrames } from "./frames.ts";
import type { StopNews } from "./frames.ts";
import type { HeldSession } from "./held-session.ts";
import type { HeldSessions } from "./held-sessions.ts";

/**
 * Tells a session of a stop, if it concerns it.
 *
 * @param deviceIds what was stopped; undefined: all of the org
 */
export function telling(
  news: StopNews,
  deviceIds: ReadonlySet<string> | undefined,
  clock: MonotonicClock,
): (session: HeldSession) => void {
  const { version, code } = news;
  const frames = ChangeFrames.ofStop(news);
  return (session) => {
    const { connection, devices } = session;
    if (connection === undefined) return;
    const named = session.stopped(deviceIds, version, clock());
    if (named.length === 0) return;
    connection.push(frames.for(named));
    for (const deviceId of named) {
      const device = devices.get(deviceId);
      if (device !== undefined) device.told = code;
    }
  };
}

/** Tells those who watch devices that were restored, one at each step. It is a hint to renew. */
export function* hinting(
  sessions: HeldSessions,
  orgId: string,
  deviceIds: ReadonlySet<string> | undefined,
  version: number,
): Generator<undefined, void> {
  const frames = ChangeFrames.ofRestore(version);
  for (const session of sessions.concerned(orgId, deviceIds)) {
    const { connection } = session;
    const named = session.watched(deviceIds);
    if (connection !== undefined && named.length > 0) connection.push(frames.for(named));
    yield;
  }
}
