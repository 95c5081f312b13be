import { matchesDevice } from "../../../wire/index.ts";
import type { DevicePage } from "../device-store.ts";
import type { DeviceLedger, NewDevice } from "../ledger.ts";
import type { DeviceRecord, RestoreRequest } from "../records.ts";
import type { DeviceFact, Facts, Needs } from "./facts.ts";

/** Devices of an org, by id; undefined is known not to be there. */
type Devices = Map<string, DeviceRecord | undefined>;

/** A device by its names. */
export interface DeviceName {
  readonly orgId: string;
  readonly deviceId: string;
}

/** The devices that were read for a group of operations, and what became of them. */
export class GroupDevices implements DeviceLedger {
  readonly #orgs = new Map<string, Devices>();
  /** The parts that were read, by org. */
  readonly #pages = new Map<string, DevicePage[]>();
  /** Orgs that are new: all there is of them is known. */
  readonly #whole = new Set<string>();
  readonly #dirty = new Map<string, Set<string>>();
  readonly #use: (orgId: string, places: number) => void;

  /**
   * @param orgOf answers the org of a key's hash
   * @param use takes or frees places of an org
   */
  constructor(
    facts: Facts,
    needs: readonly Needs[],
    orgOf: (hash: string) => string | undefined,
    use: (orgId: string, places: number) => void,
  ) {
    this.#use = use;
    for (const { keyHash = "", deviceIds = [], page } of needs) {
      const orgId = orgOf(keyHash);
      if (orgId === undefined) continue;
      if (page !== undefined) this.#pages.set(orgId, [...(this.#pages.get(orgId) ?? []), page]);
      for (const deviceId of deviceIds) this.#of(orgId).set(deviceId, undefined);
    }
    for (const { orgId, record } of facts.devices) this.#of(orgId).set(record.deviceId, record);
  }

  get(orgId: string, deviceId: string): DeviceRecord | undefined {
    const devices = this.#of(orgId);
    if (!devices.has(deviceId) && !this.#whole.has(orgId)) {
      throw new Error(`the device ${JSON.stringify(deviceId)} was not asked for`);
    }
    return devices.get(deviceId);
  }

  list(orgId: string, page: DevicePage): { devices: DeviceRecord[]; more: boolean } {
    const { after = 0, limit = Number.POSITIVE_INFINITY, devicePattern = "*" } = page;
    const isAsked = this.#pages.get(orgId)?.some((asked) => isSame(asked, page));
    if (isAsked !== true && !this.#whole.has(orgId)) {
      throw new Error("these devices of the org were not asked for");
    }
    const found = [...this.#of(orgId).values()]
      .filter((device) => device !== undefined)
      .filter(({ id, deviceId }) => id > after && matchesDevice(devicePattern, deviceId))
      .toSorted((one, other) => one.id - other.id);
    return { devices: found.slice(0, limit), more: found.length > limit };
  }

  add(orgId: string, device: NewDevice): void {
    // Versions only grow, and no two devices are registered with one.
    const id = device.version;
    const rest = { lastSeenAt: null, revokedAt: null, restoreRequest: null };
    this.#put(orgId, device.deviceId, { ...device, id, ...rest });
    this.#use(orgId, 1);
  }

  setRevokedAt(orgId: string, deviceId: string, revokedAt: number | null, version: number): void {
    const device = this.get(orgId, deviceId);
    if (device === undefined) return;
    this.#put(orgId, deviceId, { ...device, revokedAt, version, restoreRequest: null });
    this.#use(orgId, Number(device.revokedAt !== null) - Number(revokedAt !== null));
  }

  setRestoreRequest(orgId: string, deviceId: string, request: RestoreRequest | null): void {
    const device = this.get(orgId, deviceId);
    if (device !== undefined) this.#put(orgId, deviceId, { ...device, restoreRequest: request });
  }

  remove(orgId: string, deviceId: string): void {
    const device = this.get(orgId, deviceId);
    if (device === undefined) return;
    this.#put(orgId, deviceId, undefined);
    if (device.revokedAt === null) this.#use(orgId, -1);
  }

  /** Nothing of an org that is new was there to be read. */
  addOrg(orgId: string): void {
    this.#whole.add(orgId);
  }

  /** Devices that were registered or changed, and those that are gone. */
  changed(): { readonly devices: readonly DeviceFact[]; readonly removed: readonly DeviceName[] } {
    const devices: DeviceFact[] = [];
    const removed: DeviceName[] = [];
    for (const [orgId, ids] of this.#dirty) {
      for (const deviceId of ids) {
        const record = this.#of(orgId).get(deviceId);
        if (record === undefined) removed.push({ orgId, deviceId });
        else devices.push({ orgId, record });
      }
    }
    return { devices, removed };
  }

  #put(orgId: string, deviceId: string, device: DeviceRecord | undefined): void {
    this.#of(orgId).set(deviceId, device);
    const dirty = this.#dirty.get(orgId);
    if (dirty === undefined) this.#dirty.set(orgId, new Set([deviceId]));
    else dirty.add(deviceId);
  }

  #of(orgId: string): Devices {
    const known = this.#orgs.get(orgId);
    if (known !== undefined) return known;
    const devices: Devices = new Map();
    this.#orgs.set(orgId, devices);
    return devices;
  }
}

const isSame = (one: DevicePage, other: DevicePage): boolean =>
  one.after === other.after &&
  one.limit === other.limit &&
  one.devicePattern === other.devicePattern;
