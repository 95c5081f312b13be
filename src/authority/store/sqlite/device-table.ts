import type { DatabaseSync } from "node:sqlite";
import { matchesDevice } from "../../../wire/index.ts";
import type { DevicePage } from "../device-store.ts";
import type { DeviceLedger, NewDevice } from "../ledger.ts";
import type { DeviceRecord, RestoreRequest } from "../records.ts";
import { deviceFromRow } from "../rows.ts";

/** How long a device's `lastSeenAt` may be behind in the file. */
const SEEN_DELAY_MS = 5_000;
/** Most devices whose `lastSeenAt` is written with one group. */
const SEEN_AT_ONCE = 500;

type Device = { -readonly [Field in keyof DeviceRecord]: DeviceRecord[Field] };

/** The devices of one org, in the order of their registration. */
interface OrgDevices {
  readonly byId: Map<string, Device>;
  /** Registered devices that are not revoked. */
  used: number;
}

/** The devices of a file in memory, written through. Those of an org are read when first asked for. */
export class DeviceTable implements DeviceLedger {
  readonly #statements;
  readonly #orgs = new Map<string, OrgDevices>();
  readonly #seen = new Map<Device, string>();
  #seenWrittenAt = performance.now();

  constructor(database: DatabaseSync) {
    this.#statements = {
      all: database.prepare("SELECT * FROM devices WHERE org_id = ? ORDER BY id"),
      used: database.prepare(
        "SELECT count(*) AS used FROM devices WHERE org_id = ? AND revoked_at IS NULL",
      ),
      insert: database.prepare(
        "INSERT INTO devices (org_id, device_id, created_at, version, owner) VALUES (?, ?, ?, ?, ?)",
      ),
      revoke: database.prepare(
        `UPDATE devices SET revoked_at = ?, version = ?, restore_requested_by = NULL,
          restore_requested_at = NULL WHERE org_id = ? AND device_id = ?`,
      ),
      request: database.prepare(
        "UPDATE devices SET restore_requested_by = ?, restore_requested_at = ? WHERE org_id = ? AND device_id = ?",
      ),
      seen: database.prepare(
        "UPDATE devices SET last_seen_at = ? WHERE org_id = ? AND device_id = ?",
      ),
      delete: database.prepare("DELETE FROM devices WHERE org_id = ? AND device_id = ?"),
    };
  }

  get(orgId: string, deviceId: string): DeviceRecord | undefined {
    return this.#of(orgId).byId.get(deviceId);
  }

  /** The device that asks for a decision, if the org has it; that it asked is noted. */
  asking(orgId: string, deviceId: string, at: number): DeviceRecord | undefined {
    const device = this.#of(orgId).byId.get(deviceId);
    if (device !== undefined) {
      device.lastSeenAt = at;
      this.#seen.set(device, orgId);
    }
    return device;
  }

  /** How many devices of an org are not revoked. */
  used(orgId: string): number {
    const devices = this.#orgs.get(orgId);
    return devices?.used ?? Number(this.#statements.used.get(orgId)?.["used"]);
  }

  /** Copies of a part of an org's devices, in the order of their registration. */
  list(
    orgId: string,
    { after = 0, limit = Number.POSITIVE_INFINITY, devicePattern = "*" }: DevicePage,
  ): { devices: DeviceRecord[]; more: boolean } {
    const devices: DeviceRecord[] = [];
    for (const device of this.#of(orgId).byId.values()) {
      if (device.id <= after || !matchesDevice(devicePattern, device.deviceId)) continue;
      if (devices.length === limit) return { devices, more: true };
      devices.push({ ...device });
    }
    return { devices, more: false };
  }

  add(orgId: string, device: NewDevice): void {
    const { deviceId, createdAt, version, owner } = device;
    const devices = this.#of(orgId);
    const { lastInsertRowid } = this.#statements.insert.run(
      orgId,
      deviceId,
      createdAt,
      version,
      owner,
    );
    devices.byId.set(deviceId, {
      ...device,
      id: Number(lastInsertRowid),
      lastSeenAt: null,
      revokedAt: null,
      restoreRequest: null,
    });
    devices.used += 1;
  }

  /** Revokes a device at an instant, or restores it with null. Nobody waits for its restore any more. */
  setRevokedAt(orgId: string, deviceId: string, revokedAt: number | null, version: number): void {
    const devices = this.#of(orgId);
    const device = devices.byId.get(deviceId);
    if (device === undefined) return;
    this.#statements.revoke.run(revokedAt, version, orgId, deviceId);
    devices.used += Number(device.revokedAt !== null) - Number(revokedAt !== null);
    device.revokedAt = revokedAt;
    device.version = version;
    device.restoreRequest = null;
  }

  /** Notes who asked for the restore of a device, or that nobody does. */
  setRestoreRequest(orgId: string, deviceId: string, request: RestoreRequest | null): void {
    const device = this.#of(orgId).byId.get(deviceId);
    if (device === undefined) return;
    this.#statements.request.run(request?.by ?? null, request?.at ?? null, orgId, deviceId);
    device.restoreRequest = request;
  }

  remove(orgId: string, deviceId: string): void {
    const devices = this.#of(orgId);
    const device = devices.byId.get(deviceId);
    if (device === undefined) return;
    this.#statements.delete.run(orgId, deviceId);
    devices.byId.delete(deviceId);
    this.#seen.delete(device);
    if (device.revokedAt === null) devices.used -= 1;
  }

  /** Writes when devices were last seen, from time to time and a part at once. */
  finish(): void {
    const due = performance.now() - this.#seenWrittenAt >= SEEN_DELAY_MS;
    if (due && this.#seen.size > 0) this.writeSeen(SEEN_AT_ONCE);
  }

  /** Writes when devices were last seen, of at most so many. */
  writeSeen(most: number): void {
    let left = most;
    for (const [device, orgId] of this.#seen) {
      if (left === 0) return;
      left -= 1;
      this.#statements.seen.run(device.lastSeenAt, orgId, device.deviceId);
      this.#seen.delete(device);
    }
    this.#seenWrittenAt = performance.now();
  }

  #of(orgId: string): OrgDevices {
    const known = this.#orgs.get(orgId);
    if (known !== undefined) return known;
    const devices: OrgDevices = { byId: new Map(), used: 0 };
    for (const row of this.#statements.all.iterate(orgId)) {
      const device = deviceFromRow(row);
      devices.byId.set(device.deviceId, device);
      if (device.revokedAt === null) devices.used += 1;
    }
    this.#orgs.set(orgId, devices);
    return devices;
  }
}
