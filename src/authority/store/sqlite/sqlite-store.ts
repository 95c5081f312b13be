import type { DatabaseSync } from "node:sqlite";
import type { KeyRecord, OrgRecord } from "../records.ts";
import type { Bootstrap, Caller, OrgPatch, Store } from "../store.ts";
import { FileBackup } from "./file-backup.ts";
import * as devices from "./device-operations.ts";
import { GroupCommit } from "./group-commit.ts";
import { Ledger } from "./ledger.ts";
import { openDatabase } from "./open-database.ts";
import * as orgs from "./org-operations.ts";

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
  return storeOn(openDatabase(path));
}

/** A store on a database that {@link openDatabase} opened; closing the store closes it. */
export function storeOn(database: DatabaseSync): Store {
  return new SqliteStore(database);
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit<Ledger>;
  readonly #touch;
  readonly #backup: FileBackup;
  readonly #auditListeners = new Set<() => void>();
  #ledger: Ledger | undefined;
  #appended = 0;
  #closed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#ledger = new Ledger(database);
    this.#touch = database.prepare("UPDATE meta SET value = value WHERE name = 'version'");
    this.#commit = new GroupCommit(database, {
      begin: () => (this.#ledger ??= new Ledger(database)),
      finish: (ledger) => ledger.finish(),
      committed: ({ audit }) => this.#announce(audit.appended),
      discard: () => {
        this.#ledger = undefined;
        this.#appended = 0;
      },
    });
    this.#backup = new FileBackup(database);
  }

  validate(caller: Caller, deviceId: string) {
    return this.#commit.run((ledger) => devices.validate(ledger, caller, deviceId));
  }

  register(caller: Caller, deviceId: string) {
    return this.#commit.run((ledger) => devices.register(ledger, caller, deviceId));
  }

  setRevoked(caller: Caller, deviceIds: readonly string[], revoked: boolean) {
    return this.#commit.run((ledger) => devices.setRevoked(ledger, caller, deviceIds, revoked));
  }

  remove(caller: Caller, deviceId: string) {
    return this.#commit.run((ledger) => devices.remove(ledger, caller, deviceId));
  }

  listDevices(caller: Caller) {
    return this.#commit.run((ledger) => devices.listDevices(ledger, caller));
  }

  usage(caller: Caller) {
    return this.#commit.run((ledger) => devices.readUsage(ledger, caller));
  }

  createOrg(caller: Caller, org: OrgRecord, ownerKey: KeyRecord) {
    return this.#commit.run((ledger) => orgs.createOrg(ledger, caller, org, ownerKey));
  }

  listOrgs(caller: Caller) {
    return this.#commit.run((ledger) => orgs.listOrgs(ledger, caller));
  }

  changeOrg(caller: Caller, orgId: string, patch: OrgPatch) {
    return this.#commit.run((ledger) => orgs.changeOrg(ledger, caller, orgId, patch));
  }

  authenticateAdmin(caller: Caller) {
    return this.#commit.run((ledger) => orgs.authenticateAdmin(ledger, caller));
  }

  bootstrap(bootstrap: Bootstrap) {
    return this.#commit.run((ledger) => orgs.bootstrap(ledger, bootstrap));
  }

  /** Commits a write, since a store that can only be read lets nobody work. */
  async ready(): Promise<void> {
    await this.#commit.run(() => {
      this.#touch.run();
    });
  }

  orgIds() {
    return this.#commit.run((ledger) => ledger.orgIds());
  }

  auditChains() {
    return this.#commit.run((ledger) => ledger.audit.chains());
  }

  auditRows(chainId: number, afterSeq: number, limit: number) {
    return this.#commit.run((ledger) => ledger.audit.rows(chainId, afterSeq, limit));
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
    const seen = this.#commit.run((ledger) => ledger.writeSeen(Number.POSITIVE_INFINITY));
    this.#commit.close();
    await this.#backup.ended();
    try {
      // It is advisory; a store that cannot take it is closed nevertheless.
      await seen.catch(() => undefined);
    } finally {
      this.#database.close();
    }
  }

  #announce(appended: number): void {
    if (appended === this.#appended) return;
    this.#appended = appended;
    for (const listener of this.#auditListeners) listener();
  }
}
