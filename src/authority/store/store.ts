import type { AuditStore } from "./audit-store.ts";
import type { StoreBackup } from "./backup.ts";
import type { ChangeFeed } from "./changes.ts";
import type { DeviceStore } from "./device-store.ts";
import type { KeyStore } from "./key-store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { AdminStore, OrgStore } from "./org-store.ts";
import type { KeyRecord, OrgRecord } from "./records.ts";
import type { SigningStore } from "./signing-store.ts";
import type { StoreStatistics } from "./statistics.ts";

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
 * - Key, org, devices and version are read in the same step that decides, and
 *   the pure functions of `decide.ts`, `authorize.ts`, `restore.ts` and
 *   `key-lifecycle.ts` decide. A key that is expired or revoked is not known.
 * - A change's audit entry names the key by id, and in `detail` by its prefix and
 *   last four characters, with the reason that was given. What was refused to a
 *   known key is in the audit, too.
 * - A call that could not be carried out rejects with
 *   {@link StoreUnavailableError} and grants nothing. Whether its change was
 *   made is then unknown.
 */
export interface Store
  extends DeviceStore, OrgStore, KeyStore, AdminStore, AuditStore, SigningStore, ChangeFeed {
  /** Gives a new store its administrator's key and its first org. */
  bootstrap(bootstrap: Bootstrap): Promise<Bootstrapped>;

  /** Resolves when the store answers. @throws StoreUnavailableError when it does not */
  ready(): Promise<void>;
  /** What leases need of it, where it can keep them. */
  readonly leases?: LeaseStore;
  /** What this store counts of its own work. */
  readonly statistics?: StoreStatistics;
  /**
   * Copies the store while it is in use, if it is one file of its own.
   *
   * @throws BackupRunningError when a copy is being made already
   * @throws StoreUnavailableError when it could not be copied
   */
  backup?(): Promise<StoreBackup>;

  /** Finishes what was asked before, then lets go of the store. Calling it again is harmless. */
  close(): Promise<void>;
}
