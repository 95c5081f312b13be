import { accessSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Change } from "../changes.ts";
import type { DeviceFact } from "../postgres/facts.ts";
import type { KeyRecord } from "../records.ts";
import {
  auditFromRow,
  chainFromRow,
  changeFromRow,
  deviceFromRow,
  keyFromRow,
  orgFromRow,
} from "../rows.ts";
import type { OrgFact } from "../postgres/facts.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { markMoved } from "../sqlite/moved.ts";
import type { AuditChain, AuditRow } from "../store.ts";

const CHAIN_SIZE = 2n ** 40n;

/** A store in a file, to be moved away. Nobody else has it open meanwhile. */
export class MoveSource implements Disposable {
  readonly #database: DatabaseSync;

  /**
   * @throws StoreLockedError when an authority serves the file
   * @throws StoreSchemaError when it is not a store this version can work with
   */
  constructor(path: string) {
    accessSync(path);
    this.#database = openDatabase(path);
  }

  /** Names this store among all others. */
  get id(): string {
    return String(this.#meta("writer"));
  }

  get version(): number {
    return Number(this.#meta("version"));
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

  keys(): KeyRecord[] {
    return this.#all("SELECT * FROM keys").map(keyFromRow);
  }

  *devices(): Generator<DeviceFact> {
    for (const row of this.#database.prepare("SELECT * FROM devices ORDER BY id").iterate()) {
      yield { orgId: String(row["org_id"]), record: deviceFromRow(row), place: Number(row["id"]) };
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
    const start = BigInt(chainId) * CHAIN_SIZE;
    return this.#database
      .prepare(
        `SELECT id % ${CHAIN_SIZE} AS seq, entry FROM audit WHERE id > ? AND id < ? ORDER BY id LIMIT ?`,
      )
      .all(start + BigInt(afterSeq), start + CHAIN_SIZE, limit)
      .map(auditFromRow);
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
