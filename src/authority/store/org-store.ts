import type {
  Caller,
  ChangeOptions,
  Refused,
  RestoreOptions,
  UnknownKey,
  VersionConflict,
} from "./caller.ts";
import type { KeyRotation, KeySecret } from "../key-lifecycle.ts";
import type { KeyRefused } from "./key-store.ts";
import type { KeyRecord, OrgRecord } from "./records.ts";

/** An org together with how many of its places are taken. */
export interface OrgUsage {
  readonly org: OrgRecord;
  /** Registered devices that are not revoked. */
  readonly devicesUsed: number;
}

/** How full an org is. */
export interface UsageRead extends OrgUsage {
  readonly kind: "usage";
}

/** An org, and the version of the change log that was read. */
export interface OrgRead {
  readonly kind: "org_read";
  readonly org: OrgRecord;
  readonly version: number;
}

/** What a process knows of an org besides its store: how far stops have come, and its sessions. */
export type OpenedPart = "stops" | "sessions";

/** The key may read it. */
export interface OrgOpened {
  readonly kind: "org_opened";
  readonly orgId: string;
}

/** A change of an org's stop or policy, and the org as it is afterwards. */
export interface OrgStandingChanged {
  readonly kind: "org_standing";
  readonly org: OrgRecord;
  readonly changed: boolean;
  /** The org is to be resumed, and waits for another key. */
  readonly pending: boolean;
  /**
   * Version of this change; when nothing changed, of the change that stopped or
   * resumed the org, or for a policy the version that was read.
   */
  readonly version: number;
}

/** An org that was made or changed. */
export interface OrgChanged extends OrgUsage {
  readonly kind: "org";
  readonly version: number;
}

/** Every org, in the order of their creation. */
export interface OrgsListed {
  readonly kind: "orgs";
  readonly orgs: readonly OrgUsage[];
}

/** The key is the administrator's. */
export interface AdminKnown {
  readonly kind: "admin";
}

/** What the administrator changes of an org; what is not named stays. */
export type OrgPatch = Partial<Pick<OrgRecord, "planTier" | "limit" | "planState" | "accessUntil">>;

/** What an org decides about restores. */
export type OrgPolicy = Pick<OrgRecord, "twoPersonRestore">;

/** The operations on an org, with a key of it. */
export interface OrgStore {
  usage(caller: Caller): Promise<UsageRead | Refused>;
  /** Says of which org a key is that may read what is not in the store. */
  openOrg(caller: Caller, part: OpenedPart): Promise<OrgOpened | Refused>;
  readOrg(caller: Caller): Promise<OrgRead | Refused>;
  /** Denies every device of the org, new registrations too, until it is resumed. */
  stopOrg(caller: Caller, options?: ChangeOptions): Promise<OrgStandingChanged | Refused>;
  /** Ends a stop, if {@link decideRestore} lets it. */
  resumeOrg(
    caller: Caller,
    options?: RestoreOptions,
  ): Promise<OrgStandingChanged | VersionConflict | Refused>;
  setOrgPolicy(
    caller: Caller,
    policy: OrgPolicy,
    options?: ChangeOptions,
  ): Promise<OrgStandingChanged | Refused>;
}

/** How the administrator's key is rotated. */
export type AdminKeyRotation = Pick<KeyRotation, "overlapMs"> & ChangeOptions;

/** The administrator's key was rotated. */
export interface AdminKeyRotated {
  readonly kind: "admin_key";
  /** The new one. */
  readonly key: KeyRecord;
  /** When the old one ends. */
  readonly oldExpiresAt: number;
  readonly version: number;
}

/** The operations on orgs, with the administrator's key. */
export interface AdminStore {
  /** Says whether a key is the administrator's, for what the store takes no part in. */
  authenticateAdmin(caller: Caller): Promise<AdminKnown | UnknownKey>;
  /** Makes an org with its owner key. */
  createOrg(caller: Caller, org: OrgRecord, ownerKey: KeyRecord): Promise<OrgChanged | UnknownKey>;
  listOrgs(caller: Caller): Promise<OrgsListed | UnknownKey>;
  changeOrg(
    caller: Caller,
    orgId: string,
    patch: OrgPatch,
    options?: ChangeOptions,
  ): Promise<OrgChanged | UnknownKey | { readonly kind: "not_found" }>;
  /** Makes another key for the administrator; the caller's ends after an overlap. */
  rotateAdminKey(
    caller: Caller,
    secret: KeySecret,
    rotation: AdminKeyRotation,
  ): Promise<AdminKeyRotated | KeyRefused | UnknownKey>;
}
