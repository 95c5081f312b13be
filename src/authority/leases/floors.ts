/** How long a floor is kept: no read is under way for as long. */
const KEPT_MS = 120_000;

interface OrgFloors {
  /** For all its devices. */
  all: number;
  readonly devices: Map<string, number>;
  raisedAt: number;
}

/**
 * Below which version no allow may be sent any more: a stop that was learned of
 * raises it for its devices, and a read that was under way meanwhile is void.
 */
export class Floors {
  readonly #orgs = new Map<string, OrgFloors>();
  #everywhere = 0;

  /** @param deviceIds undefined for all of the org */
  raise(
    orgId: string,
    deviceIds: readonly string[] | undefined,
    version: number,
    now: number,
  ): void {
    let floors = this.#orgs.get(orgId);
    if (floors === undefined) {
      this.#orgs.set(orgId, (floors = { all: 0, devices: new Map(), raisedAt: now }));
    }
    floors.raisedAt = now;
    if (deviceIds === undefined) floors.all = Math.max(floors.all, version);
    for (const deviceId of deviceIds ?? []) floors.devices.set(deviceId, version);
  }

  /** Nothing is known of what happened up to a version. */
  raiseEverywhere(version: number): void {
    this.#everywhere = Math.max(this.#everywhere, version);
  }

  /** Whether an allow of a device that was read at a version may be sent. */
  permits(orgId: string, deviceId: string, version: number): boolean {
    if (version < this.#everywhere) return false;
    const floors = this.#orgs.get(orgId);
    return (
      floors === undefined ||
      (version >= floors.all && version >= (floors.devices.get(deviceId) ?? 0))
    );
  }

  prune(now: number): void {
    for (const [orgId, { raisedAt }] of this.#orgs) {
      if (now - raisedAt > KEPT_MS) this.#orgs.delete(orgId);
    }
  }
}

/** A read that took longer than this decides nothing: floors are not kept for ever. */
export const MOST_READ_MS = KEPT_MS / 2;
