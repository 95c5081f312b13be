import { devicesOfEntry } from "../../wire/index.ts";
import type { DeviceSessions, OrgEvent, StopAnswer } from "../../wire/index.ts";
import type { ListedDevice } from "../list-devices.ts";

export interface LastDecision {
  readonly code: string;
  /** ISO 8601 instant. */
  readonly at: string;
}

/** One device, as far as the authority tells of it. */
export interface DeviceState {
  readonly deviceId: string;
  readonly status: "active" | "revoked";
  readonly lastSeenAt: string | null;
  /** Processes with a lease channel that watch it; null where the authority does not say. */
  readonly sessions: number | null;
  /** Those whose channel is gone, and that may run something of it. */
  readonly lostSessions: number | null;
  /** The last one that was told of; null while none was. */
  readonly lastDecision: LastDecision | null;
  /** Decisions that were told of, since the snapshot before. */
  readonly checksPerSecond: number;
}

/** A stop that has not been drained yet, and can be. */
export interface StopState {
  readonly version: number;
  readonly state: "pending" | "fenced" | "drained";
  readonly holders: number;
  readonly fenced: number;
  readonly drained: number;
  /** Devices of it, the first ones. */
  readonly devices: readonly string[];
  /** What went on after it, the first ones: where it began. */
  readonly running: readonly string[];
}

export interface Snapshot {
  /** ISO 8601 instant. */
  readonly at: string;
  readonly authority: string;
  /** Whether the org is stopped; null when this key may not know. */
  readonly stopped: boolean | null;
  readonly checksPerSecond: number;
  /** Processes with a lease channel; null where the authority does not say. */
  readonly sessions: number | null;
  readonly devices: readonly DeviceState[];
  readonly pendingStops: readonly StopState[];
  /** What could not be read, and why; null when all could. */
  readonly problem: string | null;
}

/** How many sessions there are, and of which devices. */
export interface Sessions {
  readonly all: number;
  readonly ofDevices: readonly DeviceSessions[];
  /** Whether all processes of the authority have told theirs. */
  readonly isComplete: boolean;
}

interface Counted {
  decision: LastDecision | null;
  checks: number;
}

/** What is known of an org's devices, from what was listed and what was told since. */
export class Fleet {
  readonly #authority: string;
  readonly #counted = new Map<string, Counted>();
  readonly #stops = new Map<number, StopState>();
  #devices: readonly ListedDevice[] = [];
  #stopped: boolean | null = null;
  #sessions: number | null = null;
  #ofDevices = new Map<string, DeviceSessions>();
  #problems = new Map<string, string>();
  #sinceMs = performance.now();

  constructor(authority: string) {
    this.#authority = authority;
  }

  list(devices: readonly ListedDevice[]): void {
    this.#devices = devices;
    const known = new Set(devices.map(({ deviceId }) => deviceId));
    for (const deviceId of this.#counted.keys()) {
      if (!known.has(deviceId)) this.#counted.delete(deviceId);
    }
  }

  org(stopped: boolean | null): void {
    this.#stopped = stopped;
  }

  sessions(read: Sessions | null): void {
    this.#sessions = read?.all ?? null;
    this.#ofDevices = new Map(read?.ofDevices.map((each) => [each.deviceId, each]));
  }

  /** A decision was told of. */
  decided(event: OrgEvent): void {
    const { code, at } = event;
    for (const name of devicesOfEntry(event)) {
      const counted = this.#counted.get(name) ?? { decision: null, checks: 0 };
      this.#counted.set(name, counted);
      counted.checks += 1;
      counted.decision = { code: code ?? "ALLOW", at };
    }
  }

  /** How far a stop has come; what is over is forgotten. */
  stop({ stop, holders }: StopAnswer): void {
    const { version, state, holders: count, fenced, drained } = stop;
    const isOver = holders.every(({ state }) => state === "drained" || state === "lost");
    if (state === "drained" || (state === "fenced" && isOver)) this.#stops.delete(version);
    else {
      const devices = [...new Set(holders.flatMap((holder) => holder.devices))];
      const bodies = holders.flatMap(({ running = [] }) => running);
      const running = bodies.map(({ kind, name = "" }) => `${kind} ${name}`.trim());
      this.#stops.set(version, {
        version,
        state,
        holders: count,
        fenced,
        drained,
        devices,
        running,
      });
    }
  }

  forgetStop(version: number): void {
    this.#stops.delete(version);
  }

  /** What cannot be read, and why; undefined when it can again. */
  problem(what: string, why: string | undefined): void {
    if (why === undefined) this.#problems.delete(what);
    else this.#problems.set(what, why);
  }

  get revoked(): readonly ListedDevice[] {
    return this.#devices.filter(({ status }) => status === "revoked");
  }

  get pendingStops(): readonly number[] {
    return [...this.#stops.keys()];
  }

  /** What holds now; rates are counted anew from here. */
  snapshot(): Snapshot {
    const nowMs = performance.now();
    const seconds = Math.max((nowMs - this.#sinceMs) / 1000, 0.001);
    this.#sinceMs = nowMs;
    const rateOf = (checks: number): number => Math.round((checks / seconds) * 10) / 10;
    const devices = this.#devices.map(({ deviceId, status, lastSeenAt }): DeviceState => {
      const { decision = null, checks = 0 } = this.#counted.get(deviceId) ?? {};
      const checksPerSecond = rateOf(checks);
      const { sessions = 0, lost = 0 } = this.#ofDevices.get(deviceId) ?? {};
      const isKnown = this.#sessions !== null;
      return {
        deviceId,
        status,
        lastSeenAt,
        sessions: isKnown ? sessions : null,
        lostSessions: isKnown ? lost : null,
        lastDecision: decision,
        checksPerSecond,
      };
    });
    const all = [...this.#counted.values()].reduce((sum, { checks }) => sum + checks, 0);
    for (const counted of this.#counted.values()) counted.checks = 0;
    return {
      at: new Date().toISOString(),
      authority: this.#authority,
      stopped: this.#stopped,
      checksPerSecond: rateOf(all),
      sessions: this.#sessions,
      devices: devices.toSorted(byActivity),
      pendingStops: [...this.#stops.values()].toSorted((a, b) => b.version - a.version),
      problem: this.#problems.size === 0 ? null : [...this.#problems.values()].join("; "),
    };
  }
}

/** The busiest first, then those seen last. */
function byActivity(a: DeviceState, b: DeviceState): number {
  return (
    b.checksPerSecond - a.checksPerSecond ||
    (b.lastSeenAt ?? "").localeCompare(a.lastSeenAt ?? "") ||
    a.deviceId.localeCompare(b.deviceId)
  );
}
