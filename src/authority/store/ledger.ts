import type { DeviceStanding } from "../decide.ts";
import type { AuditEvent } from "./audit-entry.ts";
import type { AuditChain } from "./audit-store.ts";
import type { ChangeNote } from "./changes.ts";
import type { DevicePage } from "./device-store.ts";
import type { LeaseTerms } from "./lease-store.ts";
import type { OrgUsage } from "./org-store.ts";
import type {
  DeviceRecord,
  KeyRecord,
  OrgRecord,
  RestoreRequest,
  SigningKeyRecord,
} from "./records.ts";

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
  readonly terms: LeaseTerms;
  readonly keys: Pick<KeyLedger, "byHash">;
  readonly devices: {
    /** The device that asks for a decision, if the org has it; that it asked is noted. */
    asking(orgId: string, deviceId: string, at: number): DeviceStanding | undefined;
  };
  org(orgId: string): OrgRecord | undefined;
}

/** The audit, as operations see it. */
export interface AuditLedger extends AuditSink {
  /** The chains of an org, of every writer, in the order in which they were begun. */
  chains(orgId: string): readonly AuditChain[];
}

/** The keys, of all orgs and the administrator's. */
export interface KeyLedger {
  byHash(hash: string): KeyRecord | undefined;
  byId(id: string): KeyRecord | undefined;
  /** All keys of an org, in the order they were made. */
  ofOrg(orgId: string): readonly KeyRecord[];
  hasAdmin(): boolean;
  add(key: KeyRecord): void;
  /** Writes when and how a key ends; the rest of it never changes. */
  replace(key: KeyRecord): void;
}

/** A device that is registered just now. */
export type NewDevice = Pick<DeviceRecord, "deviceId" | "createdAt" | "version" | "owner">;

/** The devices. */
export interface DeviceLedger {
  get(orgId: string, deviceId: string): DeviceRecord | undefined;
  /** Copies of a part of an org's devices, in the order of their registration. */
  list(
    orgId: string,
    page: DevicePage,
  ): { readonly devices: readonly DeviceRecord[]; readonly more: boolean };
  add(orgId: string, device: NewDevice): void;
  /** Revokes a device at an instant, or restores it with null. Nobody waits for its restore any more. */
  setRevokedAt(orgId: string, deviceId: string, revokedAt: number | null, version: number): void;
  /** Notes who asked for the restore of a device, or that nobody does. */
  setRestoreRequest(orgId: string, deviceId: string, request: RestoreRequest | null): void;
  remove(orgId: string, deviceId: string): void;
}

/** The keys that the authority signs with. */
export interface SigningKeyLedger {
  /** In the order of their creation. */
  list(): readonly SigningKeyRecord[];
  /** Adds keys, and updates those that are there. */
  put(keys: readonly SigningKeyRecord[]): void;
}

/**
 * What the operations work on, in whatever it is kept: they are the same for
 * every store. Steps run one after the other, without waiting in between, and
 * each sees what the ones before it did.
 */
export interface Ledger extends Omit<DecisionFacts, "devices"> {
  readonly audit: AuditLedger;
  readonly keys: KeyLedger;
  readonly devices: DeviceLedger;
  readonly signingKeys: SigningKeyLedger;
  /** Takes the next version, for one change that is entered in the change log. */
  nextVersion(note: ChangeNote): number;
  setTerms(terms: LeaseTerms): void;
  /** Of all orgs, in the order of their creation. */
  orgIds(): readonly string[];
  usage(orgId: string): OrgUsage;
  addOrg(org: OrgRecord): void;
  replaceOrg(org: OrgRecord): void;
}
