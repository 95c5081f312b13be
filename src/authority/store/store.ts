import type { Decision, RegistrationDecision } from "../decide.ts";
import type { ChangeFeed } from "./changes.ts";
import type { DeviceRecord, KeyRecord, OrgRecord } from "./records.ts";

/** Who asks, and under which request id: what every audited call carries. */
export interface Caller {
  /** SHA-256 of the key that was sent, base64url. */
  readonly keyHash: string;
  readonly requestId: string;
  /** The authority's wall clock when the request was read, milliseconds since the epoch. */
  readonly at: number;
}

/** The key is not known, or is not of the kind this call needs. */
export interface UnknownKey {
  readonly kind: "unknown_key";
}

/** A decision that is in the audit. */
export interface Validated {
  readonly kind: "validated";
  readonly decision: Decision;
  /** Version of the change log that was read. */
  readonly version: number;
}

/** An org together with how many of its places are taken. */
export interface OrgUsage {
  readonly org: OrgRecord;
  /** Registered devices that are not revoked. */
  readonly devicesUsed: number;
}

/** A registration that was decided, and the org as it is afterwards. */
export interface Registered extends OrgUsage {
  readonly kind: "registered";
  readonly registration: RegistrationDecision;
}

/** What became of each device of a request to revoke or unrevoke, in the order asked. */
export interface RevocationChanged {
  readonly kind: "revocation_changed";
  readonly results: readonly {
    readonly deviceId: string;
    readonly found: boolean;
    readonly changed: boolean;
  }[];
  /**
   * Version of this change; when nothing changed, the version that made the
   * devices what they are; when none was found, the version that was read.
   */
  readonly version: number;
}

/** A device that is gone, or was not there. */
export type Removed =
  | { readonly kind: "removed"; readonly version: number }
  | { readonly kind: "not_found" };

/** The devices of an org, in the order of their registration. */
export interface DevicesListed {
  readonly kind: "devices";
  readonly devices: readonly DeviceRecord[];
}

/** How full an org is. */
export interface UsageRead extends OrgUsage {
  readonly kind: "usage";
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

/** What to change of an org; what is not named stays. */
export type OrgPatch = Partial<
  Pick<OrgRecord, "planTier" | "limit" | "planState" | "accessUntil" | "disabled">
>;

/** Records a new store begins with. Each is used only if the store lacks it. */
export interface Bootstrap {
  readonly requestId: string;
  readonly at: number;
  readonly adminKey: KeyRecord;
  readonly org: OrgRecord;
  readonly ownerKey: KeyRecord;
  /** The owner key was chosen by the operator: the store must know it afterwards. */
  readonly ownerKeyGiven: boolean;
}

/** What a bootstrap found and did. */
export interface Bootstrapped {
  readonly adminKey: "created" | "present";
  /** `unknown`: the store has orgs, and the given owner key belongs to none; nothing was changed. */
  readonly ownerKey: "created" | "present" | "unknown";
}

/** The end of one audit chain. */
export interface AuditChain {
  readonly id: number;
  /** Empty for what concerns no org, such as the administrator's key. */
  readonly orgId: string;
  /** Who writes this chain: one replica of the authority. */
  readonly writer: string;
  /** Number of its last entry; entries count from 1. */
  readonly seq: number;
  /** SHA-256 of its last entry, hex. */
  readonly head: string;
}

/** An audit entry as it was written. */
export interface AuditRow {
  readonly seq: number;
  /** One line of JSON. */
  readonly entry: string;
}

/**
 * Where an authority keeps orgs, keys, devices and the audit.
 *
 * What every adapter promises:
 *
 * - Each call is one atomic step in an order that all callers see alike. What it
 *   changed and its audit entries are durable before its promise resolves, and
 *   nothing is seen of a change that is not.
 * - A call reads state that was committed after the call began, of all replicas.
 * - Every change takes the next version; version order is commit order.
 * - A call that could not be carried out rejects with
 *   {@link StoreUnavailableError} and grants nothing. Whether its change was
 *   made is then unknown.
 */
export interface Store extends ChangeFeed {
  /** Reads key, org, device and version as one, and decides. */
  validate(caller: Caller, deviceId: string): Promise<Validated | UnknownKey>;
  /** Registers a device if {@link decideRegistration} lets it. */
  register(caller: Caller, deviceId: string): Promise<Registered | UnknownKey>;
  /** Revokes or unrevokes devices, as one change. Unknown devices are left out of it. */
  setRevoked(
    caller: Caller,
    deviceIds: readonly string[],
    revoked: boolean,
  ): Promise<RevocationChanged | UnknownKey>;
  /** Forgets a device, revoked or not. */
  remove(caller: Caller, deviceId: string): Promise<Removed | UnknownKey>;
  listDevices(caller: Caller): Promise<DevicesListed | UnknownKey>;
  usage(caller: Caller): Promise<UsageRead | UnknownKey>;

  /** Makes an org with its owner key. Needs the administrator's key, as the next two do. */
  createOrg(caller: Caller, org: OrgRecord, ownerKey: KeyRecord): Promise<OrgChanged | UnknownKey>;
  listOrgs(caller: Caller): Promise<OrgsListed | UnknownKey>;
  changeOrg(
    caller: Caller,
    orgId: string,
    patch: OrgPatch,
  ): Promise<OrgChanged | UnknownKey | { readonly kind: "not_found" }>;

  /** Gives a new store its administrator's key and its first org. */
  bootstrap(bootstrap: Bootstrap): Promise<Bootstrapped>;

  /** Resolves when the store answers. @throws StoreUnavailableError when it does not */
  ready(): Promise<void>;
  /** Ids of all orgs. */
  orgIds(): Promise<readonly string[]>;
  /** The ends of all audit chains. */
  auditChains(): Promise<readonly AuditChain[]>;
  /** Entries of one chain that come after `afterSeq`, in order, at most `limit`. */
  auditRows(chainId: number, afterSeq: number, limit: number): Promise<readonly AuditRow[]>;

  /** Finishes what was asked before, then lets go of the store. Calling it again is harmless. */
  close(): Promise<void>;
}
