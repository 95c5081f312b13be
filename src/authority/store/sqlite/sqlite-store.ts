import type { DatabaseSync } from "node:sqlite";
import type { KeyRotation, KeySecret } from "../../key-lifecycle.ts";
import type { AuditCut } from "../audit-store.ts";
import type { Caller, ChangeOptions, RestoreOptions } from "../caller.ts";
import { ChangeListeners } from "../changes.ts";
import type {
  DevicePage,
  DeviceSelection,
  RegisterOptions,
  RevocationOptions,
} from "../device-store.ts";
import type { KeyDraft } from "../key-store.ts";
import * as admin from "../operations/admin.ts";
import { openAudit } from "../operations/audit.ts";
import * as devices from "../operations/devices.ts";
import * as keys from "../operations/keys.ts";
import * as orgs from "../operations/orgs.ts";
import { setRevoked } from "../operations/revocation.ts";
import * as signing from "../operations/signing.ts";
import type { AdminKeyRotation, OpenedPart, OrgPatch, OrgPolicy } from "../org-store.ts";
import type { KeyRecord, OrgRecord, SigningKeyRecord } from "../records.ts";
import type { Bootstrap, Store } from "../store.ts";
import { FileBackup } from "./file-backup.ts";
import { GroupCommit } from "./group-commit.ts";
import { FileLedger } from "./ledger.ts";
import { FileLeases } from "./leases.ts";
import { refuseMoved } from "./moved.ts";
import { openDatabase } from "./open-database.ts";

/**
 * Opens a store in one SQLite file that this process owns alone. All that one
 * turn of the event loop asks for is committed together (WAL, synchronous=FULL),
 * and answered only then.
 *
 * @param path the file, made with mode 0600 when it is missing, or `:memory:`
 * @throws StoreLockedError when another process owns the file
 * @throws StoreSchemaError when the file is of a newer version, or not a store
 */
// oxlint-disable-next-line typescript/require-await -- opening a store is asynchronous for others
export async function sqliteStore(path: string): Promise<Store> {
  const database = openDatabase(path);
  try {
    refuseMoved(database, path);
    return storeOn(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A store on a database that {@link openDatabase} opened; closing the store closes it. */
export function storeOn(database: DatabaseSync): Store {
  return new SqliteStore(database);
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit<FileLedger>;
  readonly #listeners = new ChangeListeners();
  readonly #touch;
  readonly #backup: FileBackup;
  readonly leases: FileLeases;
  readonly #auditListeners = new Set<() => void>();
  #ledger: FileLedger | undefined;
  #appended = 0;
  #closed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#ledger = new FileLedger(database);
    this.#touch = database.prepare("UPDATE meta SET value = value WHERE name = 'version'");
    this.#commit = new GroupCommit(database, {
      begin: () => (this.#ledger ??= new FileLedger(database)),
      finish: (ledger) => ledger.finish(),
      committed: ({ version, audit }) => {
        this.#listeners.saw(version);
        this.#announce(audit.appended);
      },
      discard: () => {
        this.#ledger = undefined;
        this.#appended = 0;
      },
    });
    this.leases = new FileLeases(this.#commit);
    this.#backup = new FileBackup(database);
  }

  validate(caller: Caller, deviceId: string, auditAllow = true) {
    return this.#commit.run((ledger) => devices.validate(ledger, caller, deviceId, auditAllow));
  }

  register(caller: Caller, deviceId: string, options?: RegisterOptions) {
    return this.#commit.run((ledger) => devices.register(ledger, caller, deviceId, options));
  }

  setRevoked(
    caller: Caller,
    selection: DeviceSelection,
    revoked: boolean,
    options?: RevocationOptions,
  ) {
    return this.#commit.run((ledger) => setRevoked(ledger, caller, selection, revoked, options));
  }

  remove(caller: Caller, deviceId: string, options?: ChangeOptions) {
    return this.#commit.run((ledger) => devices.remove(ledger, caller, deviceId, options));
  }

  listDevices(caller: Caller, page?: DevicePage) {
    return this.#commit.run((ledger) => devices.listDevices(ledger, caller, page));
  }

  usage(caller: Caller) {
    return this.#commit.run((ledger) => orgs.readUsage(ledger, caller));
  }

  openOrg(caller: Caller, part: OpenedPart) {
    return this.#commit.run((ledger) => orgs.openOrg(ledger, caller, part));
  }

  readOrg(caller: Caller) {
    return this.#commit.run((ledger) => orgs.readOrg(ledger, caller));
  }

  stopOrg(caller: Caller, options?: ChangeOptions) {
    return this.#commit.run((ledger) => orgs.stopOrg(ledger, caller, options));
  }

  resumeOrg(caller: Caller, options?: RestoreOptions) {
    return this.#commit.run((ledger) => orgs.resumeOrg(ledger, caller, options));
  }

  setOrgPolicy(caller: Caller, policy: OrgPolicy, options?: ChangeOptions) {
    return this.#commit.run((ledger) => orgs.setOrgPolicy(ledger, caller, policy, options));
  }

  createKey(caller: Caller, draft: KeyDraft, options?: ChangeOptions) {
    return this.#commit.run((ledger) => keys.createKey(ledger, caller, draft, options));
  }

  listKeys(caller: Caller) {
    return this.#commit.run((ledger) => keys.listKeys(ledger, caller));
  }

  revokeKey(caller: Caller, keyId: string, options?: ChangeOptions) {
    return this.#commit.run((ledger) => keys.revokeKey(ledger, caller, keyId, options));
  }

  rotateKey(
    caller: Caller,
    keyId: string,
    secret: KeySecret,
    rotation: KeyRotation & ChangeOptions,
  ) {
    return this.#commit.run((ledger) => keys.rotateKey(ledger, caller, keyId, secret, rotation));
  }

  createOrg(caller: Caller, org: OrgRecord, ownerKey: KeyRecord) {
    return this.#commit.run((ledger) => admin.createOrg(ledger, caller, org, ownerKey));
  }

  listOrgs(caller: Caller) {
    return this.#commit.run((ledger) => admin.listOrgs(ledger, caller));
  }

  changeOrg(caller: Caller, orgId: string, patch: OrgPatch, options?: ChangeOptions) {
    return this.#commit.run((ledger) => admin.changeOrg(ledger, caller, orgId, patch, options));
  }

  rotateAdminKey(caller: Caller, secret: KeySecret, rotation: AdminKeyRotation) {
    return this.#commit.run((ledger) => admin.rotateAdminKey(ledger, caller, secret, rotation));
  }

  authenticateAdmin(caller: Caller) {
    return this.#commit.run((ledger) => admin.authenticateAdmin(ledger, caller));
  }

  bootstrap(bootstrap: Bootstrap) {
    return this.#commit.run((ledger) => admin.bootstrap(ledger, bootstrap));
  }

  /** Commits a write, since a store that can only be read lets nobody work. */
  async ready(): Promise<void> {
    await this.#commit.run(() => {
      this.#touch.run();
    });
  }

  openAudit(caller: Caller) {
    return this.#commit.run((ledger) => openAudit(ledger, caller));
  }

  auditSnapshot() {
    return this.#commit.run((ledger) => ledger.snapshot());
  }

  cutAudit(cut: AuditCut) {
    return this.#commit.run((ledger) => ledger.audit.cut(cut));
  }

  signingKeys() {
    return this.#commit.run((ledger) => ledger.signingKeys.list());
  }

  addFirstSigningKey(caller: Pick<Caller, "requestId" | "at">, key: SigningKeyRecord) {
    return this.#commit.run((ledger) => signing.addFirstSigningKey(ledger, caller, key));
  }

  rotateSigningKey(caller: Caller, next: SigningKeyRecord, overlapMs: number) {
    return this.#commit.run((ledger) => signing.rotateSigningKey(ledger, caller, next, overlapMs));
  }

  auditChains(orgId?: string) {
    return this.#commit.run((ledger) => ledger.audit.chains(orgId));
  }

  auditRows(chainId: number, afterSeq: number, limit: number) {
    return this.#commit.run((ledger) => ledger.audit.rows(chainId, afterSeq, limit));
  }

  changes(afterVersion: number, limit: number) {
    return this.#commit.run((ledger) => ({
      version: ledger.version,
      terms: ledger.terms,
      changes: ledger.changes(afterVersion, limit),
    }));
  }

  onChange(listener: (version: number) => void) {
    return this.#listeners.add(listener);
  }

  get statistics() {
    return this.#commit.statistics;
  }

  onAudit(listener: () => void): () => void {
    this.#auditListeners.add(listener);
    return () => this.#auditListeners.delete(listener);
  }

  backup() {
    return this.#backup.take();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // It is advisory; a store that cannot take it is closed nevertheless.
    const seen = this.#commit
      .run((ledger) => ledger.devices.writeSeen(Number.POSITIVE_INFINITY))
      .catch(() => undefined);
    this.#commit.close();
    await this.#backup.ended();
    await seen;
    this.#database.close();
  }

  #announce(appended: number): void {
    if (appended === this.#appended) return;
    this.#appended = appended;
    for (const listener of this.#auditListeners) listener();
  }
}
