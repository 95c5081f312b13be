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

  /** When every allow of a device that is older than a version is over; undefined when there is none. */
  endOf(orgId: string, deviceId: string, version: number): number | undefined {
    let end: number | undefined;
    for (const generation of [this.#young, this.#old]) {
      const allowed = generation.get(orgId)?.get(deviceId);
      if (allowed !== undefined && allowed.version < version) {
        end = Math.max(end ?? 0, allowed.until);
      }
    }
    return end;
  }

  /** Devices of an org with such allows. */
  devicesOf(orgId: string): Set<string> {
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
