import type { AuditEvent } from "../audit-entry.ts";
import type { Change, ChangeNote } from "../changes.ts";
import type { AuditSink, Ledger } from "../ledger.ts";
import type { DeviceRecord, KeyRecord, OrgRecord } from "../records.ts";
import type { OrgUsage } from "../store.ts";
import type { DeviceFact, Facts, Needs, OrgFact } from "./facts.ts";

/** An entry that is to be added to the audit chain of an org. */
export interface PendingEntry {
  readonly orgId: string;
  readonly event: AuditEvent;
}

interface OrgEntry {
  record: OrgRecord;
  devicesUsed: number;
  readonly place: number;
}

interface DeviceEntry {
  readonly record: DeviceRecord;
  readonly place: number;
}

/** What the operations of a group changed: the rows as they are to be, and what is gone. */
export interface ChangeSet {
  /** The version it was decided at. Whatever was committed since makes it void. */
  readonly from: number;
  readonly version: number;
  readonly changes: readonly Change[];
  readonly entries: readonly PendingEntry[];
  readonly orgs: readonly OrgFact[];
  readonly keys: readonly KeyRecord[];
  readonly devices: readonly DeviceFact[];
  readonly removed: readonly { readonly orgId: string; readonly deviceId: string }[];
}

/**
 * What one group of operations works on: what was read for it, and what its steps
 * changed so far. Nothing of it is kept once the group is committed or not.
 */
export class GroupLedger implements Ledger {
  readonly audit: AuditSink;
  readonly #from: number;
  #version: number;
  #hasAdminKey: boolean;
  readonly #keys = new Map<string, KeyRecord>();
  readonly #orgs = new Map<string, OrgEntry>();
  /** By org, then by id; undefined is known not to be there. */
  readonly #devices = new Map<string, Map<string, DeviceEntry | undefined>>();
  readonly #whole = new Set<string>();
  readonly #allOrgs: boolean;
  readonly #entries: PendingEntry[] = [];
  readonly #changes: Change[] = [];
  readonly #dirtyOrgs = new Set<string>();
  readonly #dirtyDevices = new Map<string, Set<string>>();
  readonly #newKeys: KeyRecord[] = [];

  constructor(facts: Facts, needs: readonly Needs[]) {
    this.#from = facts.version;
    this.#version = facts.version;
    this.#hasAdminKey = facts.hasAdminKey;
    this.#allOrgs = needs.some(({ allOrgs }) => allOrgs === true);
    this.audit = { append: (orgId, event) => void this.#entries.push({ orgId, event }) };
    for (const key of facts.keys) this.#keys.set(key.hash, key);
    for (const { org, devicesUsed, place } of facts.orgs) {
      this.#orgs.set(org.id, { record: org, devicesUsed, place });
    }
    for (const { keyHash = "", deviceIds = [], allDevices } of needs) {
      const orgId = this.#keys.get(keyHash)?.orgId ?? undefined;
      if (orgId === undefined) continue;
      if (allDevices === true) this.#whole.add(orgId);
      for (const deviceId of deviceIds) this.#devicesOf(orgId).set(deviceId, undefined);
    }
    for (const { orgId, record, place } of facts.devices) {
      // In the order of registration, also where its absence was assumed above.
      this.#devicesOf(orgId).delete(record.deviceId);
      this.#devicesOf(orgId).set(record.deviceId, { record, place });
    }
  }

  get version(): number {
    return this.#version;
  }

  /** What was written to the audit. */
  get entries(): readonly PendingEntry[] {
    return this.#entries;
  }

  /** What was changed, or undefined when nothing was. */
  changeSet(): ChangeSet | undefined {
    if (this.#changes.length === 0) return undefined;
    const devices: DeviceFact[] = [];
    const removed: { orgId: string; deviceId: string }[] = [];
    for (const [orgId, ids] of this.#dirtyDevices) {
      for (const deviceId of ids) {
        const entry = this.#devicesOf(orgId).get(deviceId);
        if (entry === undefined) removed.push({ orgId, deviceId });
        else devices.push({ orgId, ...entry });
      }
    }
    return {
      from: this.#from,
      version: this.#version,
      changes: this.#changes,
      entries: this.#entries,
      orgs: [...this.#dirtyOrgs].map((orgId) => {
        const { record, devicesUsed, place } = this.#org(orgId);
        return { org: record, devicesUsed, place };
      }),
      keys: this.#newKeys,
      devices,
      removed,
    };
  }

  nextVersion(note: ChangeNote): number {
    this.#version += 1;
    this.#changes.push({ version: this.#version, ...note });
    return this.#version;
  }

  key(hash: string): KeyRecord | undefined {
    return this.#keys.get(hash);
  }

  hasAdminKey(): boolean {
    return this.#hasAdminKey;
  }

  addKey(key: KeyRecord): void {
    this.#newKeys.push(key);
    this.#keys.set(key.hash, key);
    this.#hasAdminKey ||= key.role === "admin";
  }

  orgIds(): string[] {
    if (!this.#allOrgs) throw new Error("all orgs were not asked for");
    return [...this.#orgs.keys()];
  }

  org(orgId: string): OrgRecord | undefined {
    return this.#orgs.get(orgId)?.record;
  }

  usage(orgId: string): OrgUsage {
    const { record, devicesUsed } = this.#org(orgId);
    return { org: record, devicesUsed };
  }

  addOrg(org: OrgRecord): void {
    this.#orgs.set(org.id, { record: org, devicesUsed: 0, place: this.#version });
    this.#whole.add(org.id);
    this.#dirtyOrgs.add(org.id);
  }

  replaceOrg(org: OrgRecord): void {
    this.#org(org.id).record = org;
    this.#dirtyOrgs.add(org.id);
  }

  device(orgId: string, deviceId: string): DeviceRecord | undefined {
    const devices = this.#devicesOf(orgId);
    if (!devices.has(deviceId) && !this.#whole.has(orgId)) {
      throw new Error(`the device ${JSON.stringify(deviceId)} was not asked for`);
    }
    return devices.get(deviceId)?.record;
  }

  listDevices(orgId: string): DeviceRecord[] {
    if (!this.#whole.has(orgId)) throw new Error("the devices of the org were not asked for");
    return [...this.#devicesOf(orgId).values()].flatMap((entry) =>
      entry === undefined ? [] : [{ ...entry.record }],
    );
  }

  addDevice(orgId: string, deviceId: string, createdAt: number): void {
    const note = { at: createdAt, orgId, operation: "register", deviceIds: [deviceId] };
    const version = this.nextVersion(note);
    const record = { deviceId, createdAt, lastSeenAt: null, revokedAt: null, version };
    this.#devicesOf(orgId).delete(deviceId);
    this.#put(orgId, deviceId, { record, place: version });
    this.#use(orgId, 1);
  }

  setRevokedAt(orgId: string, deviceId: string, revokedAt: number | null, version: number): void {
    const entry = this.#devicesOf(orgId).get(deviceId);
    if (entry === undefined || (entry.record.revokedAt === null) === (revokedAt === null)) return;
    this.#put(orgId, deviceId, { ...entry, record: { ...entry.record, revokedAt, version } });
    this.#use(orgId, revokedAt === null ? 1 : -1);
  }

  removeDevice(orgId: string, deviceId: string): void {
    const entry = this.#devicesOf(orgId).get(deviceId);
    if (entry === undefined) return;
    this.#put(orgId, deviceId, undefined);
    if (entry.record.revokedAt === null) this.#use(orgId, -1);
  }

  #put(orgId: string, deviceId: string, entry: DeviceEntry | undefined): void {
    this.#devicesOf(orgId).set(deviceId, entry);
    const dirty = this.#dirtyDevices.get(orgId);
    if (dirty === undefined) this.#dirtyDevices.set(orgId, new Set([deviceId]));
    else dirty.add(deviceId);
  }

  #use(orgId: string, places: number): void {
    this.#org(orgId).devicesUsed += places;
    this.#dirtyOrgs.add(orgId);
  }

  #org(orgId: string): OrgEntry {
    const entry = this.#orgs.get(orgId);
    if (entry === undefined) throw new Error(`the org ${orgId} was not asked for`);
    return entry;
  }

  #devicesOf(orgId: string): Map<string, DeviceEntry | undefined> {
    const known = this.#devices.get(orgId);
    if (known !== undefined) return known;
    const devices = new Map<string, DeviceEntry | undefined>();
    this.#devices.set(orgId, devices);
    return devices;
  }
}
