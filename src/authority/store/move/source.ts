import { accessSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { AuditChain, AuditRow } from "../audit-store.ts";
import type { Change } from "../changes.ts";
import type { LeaseTerms } from "../lease-store.ts";
import type { DeviceFact, KeyFact, OrgFact, SigningKeyFact } from "../postgres/facts.ts";
import {
  chainFromRow,
  changeFromRow,
  deviceFromRow,
  keyFromRow,
  orgFromRow,
  signingKeyFromRow,
} from "../rows.ts";
import { AuditRows } from "../sqlite/audit-rows.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { markMoved } from "../sqlite/moved.ts";

/** A store in a file, to be moved away. Nobody else has it open meanwhile. */
export class MoveSource implements Disposable {
  readonly #database: DatabaseSync;
  readonly #auditRows: AuditRows;

  /**
   * @throws StoreLockedError when an authority serves the file
   * @throws StoreSchemaError when it is not a store this version can work with
   */
  constructor(path: string) {
    accessSync(path);
    this.#database = openDatabase(path);
    this.#auditRows = new AuditRows(this.#database);
  }

  /** Names this store among all others. */
  get id(): string {
    return String(this.#meta("writer"));
  }

  get version(): number {
    return Number(this.#meta("version"));
  }

  /** Stops go on to wait for what was allowed here. */
  get terms(): LeaseTerms {
    const number = (name: string): number => Number(this.#meta(name));
    return {
      ttlMs: number("ttl_ms"),
      waitMs: number("wait_ms"),
      version: number("terms_version"),
    };
  }

  /** In the order of creation, with the places that are taken. */
  orgs(): OrgFact[] {
    const used = this.#database.prepare(
      "SELECT count(*) AS used FROM devices WHERE org_id = ? AND revoked_at IS NULL",
    );
    return this.#all("SELECT * FROM orgs ORDER BY rowid").map((row, index) => ({
      org: orgFromRow(row),
      devicesUsed: Number(used.get(String(row["id"]))?.["used"]),
      place: index + 1,
    }));
  }

  /** In the order they were made, which is behind the version of no later one. */
  keys(): KeyFact[] {
    return this.#all("SELECT * FROM keys ORDER BY rowid").map((row, place) => ({
      key: keyFromRow(row),
      place,
    }));
  }

  /** In the order of creation. */
  signingKeys(): SigningKeyFact[] {
    return this.#all("SELECT * FROM signing_keys ORDER BY rowid").map((row, index) => ({
      key: signingKeyFromRow(row),
      place: index + 1,
    }));
  }

  *devices(): Generator<DeviceFact> {
    for (const row of this.#database.prepare("SELECT * FROM devices ORDER BY id").iterate()) {
      yield { orgId: String(row["org_id"]), record: deviceFromRow(row) };
    }
  }

  *changes(): Generator<Change> {
    for (const row of this.#database.prepare("SELECT * FROM changes ORDER BY version").iterate()) {
      yield changeFromRow(row);
    }
  }

  chains(): AuditChain[] {
    return this.#all("SELECT * FROM audit_chains ORDER BY id").map(chainFromRow);
  }

  auditRows(chainId: number, afterSeq: number, limit: number): AuditRow[] {
    return this.#auditRows.read(chainId, afterSeq, limit);
  }

  /** Lets nobody serve the file any more; with null, takes that back. */
  markMoved(to: string | null): void {
    markMoved(this.#database, to);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #all(sql: string): Record<string, unknown>[] {
    return this.#database.prepare(sql).all();
  }

  #meta(name: string): unknown {
    return this.#database.prepare("SELECT value FROM meta WHERE name = ?").get(name)?.["value"];
  }
}
