import type { DatabaseSync } from "node:sqlite";
import { CHANGES_KEPT } from "../changes.ts";
import type { Change, ChangeNote } from "../changes.ts";
import type { Ledger } from "../ledger.ts";
import type { DeviceRecord, KeyRecord, OrgRecord } from "../records.ts";
import { changeFromRow, deviceFromRow, keyFromRow, orgFromRow } from "../rows.ts";
import type { OrgUsage } from "../store.ts";
import { AuditLog } from "./audit-log.ts";

/** How long a device's `lastSeenAt` may be behind in the file. */
const SEEN_DELAY_MS = 5_000;
/** Most devices whose `lastSeenAt` is written with one group. */
const SEEN_AT_ONCE = 500;

type Mutable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

interface OrgEntry {
  record: OrgRecord;
  /** Undefined until first asked for. */
  devices: Map<string, Mutable<DeviceRecord>> | undefined;
  devicesUsed: number;
}

function prepareStatements(database: DatabaseSync) {
  return {
    orgs: database.prepare("SELECT * FROM orgs ORDER BY rowid"),
    keys: database.prepare("SELECT * FROM keys"),
    devices: database.prepare("SELECT * FROM devices WHERE org_id = ? ORDER BY id"),
    used: database.prepare(
      "SELECT count(*) AS used FROM devices WHERE org_id = ? AND revoked_at IS NULL",
    ),
    meta: database.prepare("SELECT value FROM meta WHERE name = ?"),
    setVersion: database.prepare("UPDATE meta SET value = ? WHERE name = 'version'"),
    insertOrg: database.prepare("INSERT INTO orgs VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    updateOrg: database.prepare(
      "UPDATE orgs SET plan_tier = ?, device_limit = ?, plan_state = ?, access_until = ?, disabled = ? WHERE id = ?",
    ),
    insertKey: database.prepare("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)"),
    insertDevice: database.prepare(
      "INSERT INTO devices (org_id, device_id, created_at, version) VALUES (?, ?, ?, ?)",
    ),
    revoke: database.prepare(
      "UPDATE devices SET revoked_at = ?, version = ? WHERE org_id = ? AND device_id = ?",
    ),
    seen: database.prepare(
      "UPDATE devices SET last_seen_at = ? WHERE org_id = ? AND device_id = ?",
    ),
    deleteDevice: database.prepare("DELETE FROM devices WHERE org_id = ? AND device_id = ?"),
    logChange: database.prepare("INSERT INTO changes VALUES (?, ?, ?, ?, ?)"),
    cutChanges: database.prepare("DELETE FROM changes WHERE version <= ?"),
    changes: database.prepare("SELECT * FROM changes WHERE version > ? ORDER BY version LIMIT ?"),
  };
}

/**
 * The file's content in the memory of its only owner, written through. It is
 * thrown away whenever a transaction fails, and read again.
 */
export class FileLedger implements Ledger {
  readonly audit: AuditLog;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #keys = new Map<string, KeyRecord>();
  readonly #orgs = new Map<string, OrgEntry>();
  #version: number;
  #versionWritten: number;
  #seen = new Map<Mutable<DeviceRecord>, string>();
  #seenWrittenAt = performance.now();

  constructor(database: DatabaseSync) {
    const statements = prepareStatements(database);
    this.#statements = statements;
    for (const row of statements.keys.all()) {
      const key = keyFromRow(row);
      this.#keys.set(key.hash, key);
    }
    for (const row of statements.orgs.all()) {
      const record = orgFromRow(row);
      this.#orgs.set(record.id, { record, devices: undefined, devicesUsed: 0 });
    }
    this.#version = Number(statements.meta.get("version")?.["value"]);
    this.#versionWritten = this.#version;
    this.audit = new AuditLog(database, String(statements.meta.get("writer")?.["value"]));
  }

  /** Version of the last change. */
  get version(): number {
    return this.#version;
  }

  nextVersion({ at, orgId, operation, deviceIds }: ChangeNote): number {
    this.#version += 1;
    const devices = JSON.stringify(deviceIds);
    this.#statements.logChange.run(this.#version, at, orgId, operation, devices);
    return this.#version;
  }

  /** Changes after a version, at most `limit`. */
  changes(afterVersion: number, limit: number): Change[] {
    return this.#statements.changes.all(afterVersion, limit).map(changeFromRow);
  }

  key(hash: string): KeyRecord | undefined {
    return this.#keys.get(hash);
  }

  hasAdminKey(): boolean {
    return [...this.#keys.values()].some(({ role }) => role === "admin");
  }

  addKey(key: KeyRecord): void {
    const { id, hash, role, orgId, lastFour, createdAt } = key;
    this.#statements.insertKey.run(id, hash, role, orgId, lastFour, createdAt);
    this.#keys.set(hash, key);
  }

  orgIds(): string[] {
    return [...this.#orgs.keys()];
  }

  org(orgId: string): OrgRecord | undefined {
    return this.#orgs.get(orgId)?.record;
  }

  usage(orgId: string): OrgUsage {
    const entry = this.#entry(orgId);
    if (entry.devices !== undefined) return { org: entry.record, devicesUsed: entry.devicesUsed };
    const devicesUsed = Number(this.#statements.used.get(orgId)?.["used"]);
    return { org: entry.record, devicesUsed };
  }

  addOrg(org: OrgRecord): void {
    const { id, name, createdAt, planTier, limit, planState, accessUntil, disabled } = org;
    this.#statements.insertOrg.run(
      id,
      name,
      createdAt,
      planTier,
      limit,
      planState,
      accessUntil,
      Number(disabled),
    );
    this.#orgs.set(id, { record: org, devices: new Map(), devicesUsed: 0 });
  }

  replaceOrg(org: OrgRecord): void {
    const { id, planTier, limit, planState, accessUntil, disabled } = org;
    this.#statements.updateOrg.run(planTier, limit, planState, accessUntil, Number(disabled), id);
    this.#entry(id).record = org;
  }

  device(orgId: string, deviceId: string): DeviceRecord | undefined {
    return this.#devices(orgId).get(deviceId);
  }

  /** Copies of all devices of an org, in the order of their registration. */
  listDevices(orgId: string): DeviceRecord[] {
    return Array.from(this.#devices(orgId).values(), (device) => ({ ...device }));
  }

  addDevice(orgId: string, deviceId: string, createdAt: number): void {
    const note = { at: createdAt, orgId, operation: "register", deviceIds: [deviceId] };
    const version = this.nextVersion(note);
    this.#statements.insertDevice.run(orgId, deviceId, createdAt, version);
    const device = { deviceId, createdAt, lastSeenAt: null, revokedAt: null, version };
    this.#devices(orgId).set(deviceId, device);
    this.#entry(orgId).devicesUsed += 1;
  }

  /** Revokes a device at an instant, or unrevokes it with null, if that changes it. */
  setRevokedAt(orgId: string, deviceId: string, revokedAt: number | null, version: number): void {
    const device = this.#devices(orgId).get(deviceId);
    if (device === undefined || (device.revokedAt === null) === (revokedAt === null)) return;
    this.#statements.revoke.run(revokedAt, version, orgId, deviceId);
    device.revokedAt = revokedAt;
    device.version = version;
    this.#entry(orgId).devicesUsed += revokedAt === null ? 1 : -1;
  }

  removeDevice(orgId: string, deviceId: string): void {
    const devices = this.#devices(orgId);
    const device = devices.get(deviceId);
    if (device === undefined) return;
    this.#statements.deleteDevice.run(orgId, deviceId);
    devices.delete(deviceId);
    this.#seen.delete(device);
    if (device.revokedAt === null) this.#entry(orgId).devicesUsed -= 1;
  }

  /** The device that asks for a decision, if the org has it; that it asked is noted. */
  asking(orgId: string, deviceId: string, at: number): DeviceRecord | undefined {
    const device = this.#devices(orgId).get(deviceId);
    if (device !== undefined) {
      device.lastSeenAt = at;
      this.#seen.set(device, orgId);
    }
    return device;
  }

  /** Writes what a group changed once for all its steps. */
  finish(): void {
    this.audit.finish();
    if (this.#version !== this.#versionWritten) {
      this.#statements.setVersion.run(this.#version);
      this.#statements.cutChanges.run(this.#version - CHANGES_KEPT);
      this.#versionWritten = this.#version;
    }
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

  #entry(orgId: string): OrgEntry {
    const entry = this.#orgs.get(orgId);
    if (entry === undefined) throw new Error(`no org ${orgId}`);
    return entry;
  }

  #devices(orgId: string): Map<string, Mutable<DeviceRecord>> {
    const entry = this.#entry(orgId);
    if (entry.devices !== undefined) return entry.devices;
    const devices = new Map<string, Mutable<DeviceRecord>>();
    for (const row of this.#statements.devices.iterate(orgId)) {
      const device = deviceFromRow(row);
      devices.set(device.deviceId, device);
      if (device.revokedAt === null) entry.devicesUsed += 1;
    }
    entry.devices = devices;
    return devices;
  }
}
