import type { StopRecord } from "./stop-record.ts";
/** Allows of one device that were given to one session and may be in use. */
export interface Holding {
  /** Version of the oldest of them. */
  oldest: number;
  /** Version of the newest. */
  newest: number;
  /** When the last of them is over, by the monotonic clock. */
  until: number;
  /** Of the request that asked last. */
  n: number;
}

/** What is known of one device of a session. */
export interface HeldDevice {
  isWatched: boolean;
  /** The last request of the session when the device was watched: what was asked before is not for it. */
  since: number;
  /** The code that the session was told last. */
  told: string | undefined;
  holding: Holding | undefined;
  /** It was allowed since it is watched: something may run. */
  wasAllowed: boolean;
}

/** The connection of a session. */
export interface SessionConnection {
  send(text: string): void;
  /** Sends bytes that are a whole frame already. */
  push(frame: Buffer): void;
  /** Ends it at once. */
  cut(): void;
}

/** Whose session it is. */
export interface SessionOwner {
  readonly id: string;
  readonly orgId: string;
  readonly keyHash: string;
}

/**
 * What one process with a guard in it was given under one key, whether it is
 * connected or not: losing the connection releases nothing.
 */
export class HeldSession {
  readonly id: string;
  readonly orgId: string;
  readonly keyHash: string;
  readonly devices = new Map<string, HeldDevice>();
  /** Stops that it has not acknowledged in full. */
  #stops: readonly StopRecord[] = [];
  connection: SessionConnection | undefined;
  /** When the connection was lost, by the monotonic clock. */
  lostAt: number | undefined;
  /** The last request; numbers only grow. */
  lastN = 0;

  constructor({ id, orgId, keyHash }: SessionOwner) {
    this.id = id;
    this.orgId = orgId;
    this.keyHash = keyHash;
  }

  get stops(): readonly StopRecord[] {
    return this.#stops;
  }

  /** A stop concerns it, which did not before. */
  addStop(stop: StopRecord): void {
    this.#stops = [...this.#stops, stop];
  }

  /** It has acknowledged a stop, or nobody asks for it any more. */
  removeStop(stop: StopRecord): void {
    this.#stops = this.#stops.filter((each) => each !== stop);
  }

  /** Devices that it is told of, all or those among some. */
  watched(deviceIds?: ReadonlySet<string>): string[] {
    const names: string[] = [];
    for (const deviceId of this.#among(deviceIds)) {
      if (this.devices.get(deviceId)?.isWatched === true) names.push(deviceId);
    }
    return names;
  }

  /** Notes an allow that is about to be sent. */
  hold(
    deviceId: string,
    { version, until, n }: { readonly version: number; readonly until: number; readonly n: number },
    now: number,
  ): void {
    const device = this.devices.get(deviceId) ?? this.add(deviceId, false);
    device.wasAllowed = true;
    const { holding } = device;
    if (holding === undefined || holding.until <= now) {
      device.holding = { oldest: version, newest: version, until, n };
      return;
    }
    holding.oldest = Math.min(holding.oldest, version);
    holding.newest = Math.max(holding.newest, version);
    holding.until = Math.max(holding.until, until);
    holding.n = Math.max(holding.n, n);
  }

  add(deviceId: string, isWatched: boolean): HeldDevice {
    const known = this.devices.get(deviceId);
    if (known !== undefined) {
      if (isWatched && !known.isWatched) known.since = this.lastN;
      known.isWatched ||= isWatched;
      return known;
    }
    const nothing = { told: undefined, holding: undefined, wasAllowed: false };
    const device: HeldDevice = { isWatched, since: this.lastN, ...nothing };
    this.devices.set(deviceId, device);
    return device;
  }

  /** When every allow of a device that is older than a version is over; undefined when there is none. */
  endOf(deviceId: string, version: number, now: number): number | undefined {
    const holding = this.devices.get(deviceId)?.holding;
    if (holding === undefined || holding.oldest >= version || holding.until <= now) {
      return undefined;
    }
    return holding.until;
  }

  /** For these devices, nothing begins on an allow older than a version. */
  release(deviceIds: readonly string[], version: number): void {
    for (const deviceId of deviceIds) {
      const device = this.devices.get(deviceId);
      if (device?.holding === undefined) continue;
      // An acknowledgement that comes late says nothing of what was given since.
      if (device.holding.newest < version) device.holding = undefined;
      else device.holding.oldest = Math.max(device.holding.oldest, version);
    }
  }

  /** Forgets devices that are not watched and of which nothing is in use, and names them. */
  prune(now: number): string[] {
    const forgotten: string[] = [];
    for (const [deviceId, device] of this.devices) {
      if (device.holding !== undefined && device.holding.until <= now) device.holding = undefined;
      if (device.isWatched || device.holding !== undefined) continue;
      this.devices.delete(deviceId);
      forgotten.push(deviceId);
    }
    return forgotten;
  }

  /**
   * Devices that a stop takes something from here: it was given older allows of
   * them, or it watches them and may run something.
   *
   * @param deviceIds undefined for all
   */
  stopped(deviceIds: ReadonlySet<string> | undefined, version: number, now: number): string[] {
    const named: string[] = [];
    for (const deviceId of this.#among(deviceIds)) {
      if (this.mayRun(deviceId) || this.endOf(deviceId, version, now) !== undefined) {
        named.push(deviceId);
      }
    }
    return named;
  }

  /** Whether a device may be running something here, as far as is known. */
  mayRun(deviceId: string): boolean {
    const device = this.devices.get(deviceId);
    if (device?.isWatched !== true) return false;
    return this.connection !== undefined || device.wasAllowed;
  }

  /** Its devices that are among some; undefined for all. What is not its own may be among them. */
  #among(deviceIds: ReadonlySet<string> | undefined): Iterable<string> {
    if (deviceIds === undefined) return this.devices.keys();
    if (deviceIds.size <= this.devices.size) return deviceIds;
    return [...this.devices.keys()].filter((deviceId) => deviceIds.has(deviceId));
  }

  /** Whether any allow may be in use. */
  isHolding(now: number): boolean {
    for (const { holding } of this.devices.values()) {
      if (holding !== undefined && holding.until > now) return true;
    }
    return false;
  }
}
