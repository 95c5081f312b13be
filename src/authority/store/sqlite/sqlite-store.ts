import type { DatabaseSync } from "node:sqlite";
import { ChangeListeners } from "../changes.ts";
import * as devices from "../operations/devices.ts";
import * as orgs from "../operations/orgs.ts";
import type { KeyRecord, OrgRecord } from "../records.ts";
import type { Bootstrap, Caller, OrgPatch, Store } from "../store.ts";
import { GroupCommit } from "./group-commit.ts";
import { FileLedger } from "./ledger.ts";
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
  #ledger: FileLedger | undefined;
  #closed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#ledger = new FileLedger(database);
    this.#touch = database.prepare("UPDATE meta SET value = value WHERE name = 'version'");
    this.#commit = new GroupCommit(database, {
      begin: () => (this.#ledger ??= new FileLedger(database)),
      finish: (ledger) => ledger.finish(),
      committed: ({ version }) => this.#listeners.saw(version),
      discard: () => {
        this.#ledger = undefined;
      },
    });
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

  changes(afterVersion: number, limit: number) {
    return this.#commit.run((ledger) => ({
      version: ledger.version,
      changes: ledger.changes(afterVersion, limit),
    }));
  }

  onChange(listener: (version: number) => void) {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const seen = this.#commit.run((ledger) => ledger.writeSeen(Number.POSITIVE_INFINITY));
    this.#commit.close();
    try {
      // It is advisory; a store that cannot take it is closed nevertheless.
      await seen.catch(() => undefined);
    } finally {
      this.#database.close();
    }
  }
}
