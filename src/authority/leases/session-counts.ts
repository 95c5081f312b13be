import { setImmediate as nextTurn } from "node:timers/promises";
import type { HeldSession } from "./held-session.ts";
import type { HeldSessions } from "./held-sessions.ts";

/** How many sessions have to do with a device. */
export interface SessionCount {
  /** Connected ones. */
  sessions: number;
  /** Those whose channel is gone. */
  lost: number;
}

/** The sessions of an org that one process knows. */
export interface OrgSessionCounts {
  /** All that are connected. */
  readonly sessions: number;
  readonly devices: ReadonlyMap<string, Readonly<SessionCount>>;
}

/** Others have their turn after so long, in milliseconds. */
const SLICE_MS = 2;
/** Devices between two looks at the clock. */
const STEPS = 200;
/** Counts are kept for so long, */
const KEPT_MS = 500;
/** and for so many times as long as counting took: it never takes more than a part of the processor. */
const KEPT_TIMES = 20;
/** What a session is told of a device that is none of its org's, or none that it may name. */
const NOT_ITS_OWN = new Set(["FORBIDDEN", "DEVICE_NOT_REGISTERED"]);

interface Kept {
  readonly counts: Promise<OrgSessionCounts>;
  /** By the monotonic clock. */
  until: number;
}

/** Counts the sessions of orgs, in slices, and keeps what it counted for whoever asks soon after. */
export class SessionCounts {
  readonly #sessions: HeldSessions;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  /** @param now by the monotonic clock */
  constructor(sessions: HeldSessions, now: () => number) {
    this.#sessions = sessions;
    this.#now = now;
  }

  of(orgId: string): Promise<OrgSessionCounts> {
    const began = this.#now();
    for (const [id, { until }] of this.#kept) if (until <= began) this.#kept.delete(id);
    const known = this.#kept.get(orgId);
    if (known !== undefined) return known.counts;
    const counts = this.#count(orgId);
    const kept: Kept = { counts, until: Number.POSITIVE_INFINITY };
    this.#kept.set(orgId, kept);
    void counts.finally(() => {
      const now = this.#now();
      kept.until = now + Math.max(KEPT_MS, KEPT_TIMES * (now - began));
    });
    return counts;
  }

  async #count(orgId: string): Promise<OrgSessionCounts> {
    const devices = new Map<string, SessionCount>();
    let connected = 0;
    let steps = 0;
    let endMs = performance.now() + SLICE_MS;
    for (const session of this.#sessions.ofOrg(orgId)) {
      const isConnected = session.connection !== undefined;
      connected += Number(isConnected);
      for (const deviceId of session.devices.keys()) {
        steps += 1;
        if (steps % STEPS === 0 && performance.now() > endMs) {
          await nextTurn();
          endMs = performance.now() + SLICE_MS;
        }
        if (!hasToDoWith(session, deviceId, this.#now())) continue;
        const count = devices.get(deviceId) ?? { sessions: 0, lost: 0 };
        devices.set(deviceId, count);
        count[isConnected ? "sessions" : "lost"] += 1;
      }
    }
    return { sessions: connected, devices };
  }
}

/** Whether a session watches a device of its org, or may run something of it. */
function hasToDoWith(session: HeldSession, deviceId: string, now: number): boolean {
  if (session.endOf(deviceId, Number.POSITIVE_INFINITY, now) !== undefined) return true;
  const { told } = session.devices.get(deviceId) ?? {};
  return session.mayRun(deviceId) && told !== undefined && !NOT_ITS_OWN.has(told);
}
