import type { DeviceStanding } from "../decide.ts";
import type { AuditEvent } from "./audit-entry.ts";
import type { ChangeNote } from "./changes.ts";
import type { DeviceRecord, KeyRecord, OrgRecord } from "./records.ts";
import type { OrgUsage } from "./store.ts";

/** Where operations write what they did. */
export interface AuditSink {
  /** Adds an entry to an org's chain. */
  append(orgId: string, event: AuditEvent): void;
}

/** What a decision is made from. */
export interface DecisionFacts {
  readonly audit: AuditSink;
  /** Version of the last change. */
  readonly version: number;
  key(hash: string): KeyRecord | undefined;
  org(orgId: string): OrgRecord | undefined;
  /** The device that asks for a decision, if the org has it; that it asked is noted. */
  asking(orgId: string, deviceId: string, at: number): DeviceStanding | undefined;
}

/**
 * What the operations work on, in whatever it is kept: they are the same for
 * every store. Steps run one after the other, without waiting in between, and
 * each sees what the ones before it did.
 */
export interface Ledger extends Omit<DecisionFacts, "asking"> {
  /** Takes the next version, for one change that is entered in the change log. */
  nextVersion(note: ChangeNote): number;
  hasAdminKey(): boolean;
  addKey(key: KeyRecord): void;
  /** Of all orgs, in the order of their creation. */
  orgIds(): readonly string[];
  usage(orgId: string): OrgUsage;
  addOrg(org: OrgRecord): void;
  replaceOrg(org: OrgRecord): void;
  device(orgId: string, deviceId: string): DeviceRecord | undefined;
  /** Copies of all devices of an org, in the order of their registration. */
  listDevices(orgId: string): readonly DeviceRecord[];
  /** Adds a device, as a change of its own. */
  addDevice(orgId: string, deviceId: string, createdAt: number): void;
  /** Revokes a device at an instant, or unrevokes it with null, if that changes it. */
  setRevokedAt(orgId: string, deviceId: string, revokedAt: number | null, version: number): void;
  removeDevice(orgId: string, deviceId: string): void;
}
