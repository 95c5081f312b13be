interface Allowed {
  /** Of the oldest allow that may be in use. */
  version: number;
  /** When the last of them is over. */
  until: number;
}

type Generation = Map<string, Map<string, Allowed>>;

const GENERATION_MS = 1_000;

/**
 * Strict allows that were given lately over HTTP, and may be in use. Nobody
 * acknowledges for them: they are over by time alone.
 */
export class StrictAllows {
  #young: Generation = new Map();
  #youngEnd = 0;
  #old: Generation = new Map();
  #oldEnd = 0;
  #bornAt = Number.NEGATIVE_INFINITY;

  /** Notes an allow that was read at a version and is over at an instant. */
  note(orgId: string, deviceId: string, version: number, until: number): void {
    let devices = this.#young.get(orgId);
    if (devices === undefined) this.#young.set(orgId, (devices = new Map()));
    const known = devices.get(deviceId);
    if (known === undefined) devices.set(deviceId, { version, until });
    else {
      known.version = Math.min(known.version, version);
      known.until = Math.max(known.until, until);
    }
    if (until > this.#youngEnd) this.#youngEnd = until;
  }

  /**
   * Devices with allows in use that are older than a version, and when the last of those is over.
   *
   * @param deviceIds which are looked at. @default all of the org
   */
  inUse(
    orgId: string,
    version: number,
    deviceIds: Iterable<string> | undefined,
    now: number,
  ): { readonly devices: readonly string[]; readonly until: number } {
    const devices: string[] = [];
    let until = 0;
    for (const deviceId of deviceIds ?? this.#devicesOf(orgId)) {
      const end = this.#endOf(orgId, deviceId, version);
      if (end <= now) continue;
      devices.push(deviceId);
      until = Math.max(until, end);
    }
    return { devices, until };
  }

  #endOf(orgId: string, deviceId: string, version: number): number {
    let end = Number.NEGATIVE_INFINITY;
    for (const generation of [this.#young, this.#old]) {
      const allowed = generation.get(orgId)?.get(deviceId);
      if (allowed !== undefined && allowed.version < version) end = Math.max(end, allowed.until);
    }
    return end;
  }

  #devicesOf(orgId: string): Set<string> {
    const names = new Set<string>();
    for (const generation of [this.#young, this.#old]) {
      for (const deviceId of generation.get(orgId)?.keys() ?? []) names.add(deviceId);
    }
    return names;
  }

  /** When the last of them is over. */
  get end(): number {
    return Math.max(this.#youngEnd, this.#oldEnd);
  }

  /** Forgets what is over, from time to time. */
  prune(now: number): void {
    if (now - this.#bornAt < GENERATION_MS || now < this.#oldEnd) return;
    this.#old = this.#young;
    this.#oldEnd = this.#youngEnd;
    this.#young = new Map();
    this.#youngEnd = 0;
    this.#bornAt = now;
  }
}
