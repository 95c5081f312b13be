import type { DatabaseSync } from "node:sqlite";
import type { KeyLedger } from "../ledger.ts";
import type { KeyRecord } from "../records.ts";
import { keyFromRow } from "../rows.ts";

/** The keys of a file in memory, written through. */
export class KeyTable implements KeyLedger {
  readonly #statements;
  readonly #byHash = new Map<string, KeyRecord>();
  /** In the order they were made. */
  readonly #byId = new Map<string, KeyRecord>();

  constructor(database: DatabaseSync) {
    this.#statements = {
      insert: database.prepare(
        `INSERT INTO keys (id, hash, role, org_id, last_four, created_at, name, device_pattern,
          device_owner, expires_at, revoked_at, replaced_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      end: database.prepare(
        "UPDATE keys SET expires_at = ?, revoked_at = ?, replaced_by = ? WHERE id = ?",
      ),
    };
    for (const row of database.prepare("SELECT * FROM keys ORDER BY rowid").all()) {
      this.#remember(keyFromRow(row));
    }
  }

  byHash(hash: string): KeyRecord | undefined {
    return this.#byHash.get(hash);
  }

  byId(id: string): KeyRecord | undefined {
    return this.#byId.get(id);
  }

  hasAdmin(): boolean {
    return [...this.#byId.values()].some(({ role }) => role === "admin");
  }

  /** All keys of an org, in the order they were made. */
  ofOrg(orgId: string): KeyRecord[] {
    return [...this.#byId.values()].filter((key) => key.orgId === orgId);
  }

  add(key: KeyRecord): void {
    this.#statements.insert.run(
      key.id,
      key.hash,
      key.role,
      key.orgId,
      key.lastFour,
      key.createdAt,
      key.name,
      key.devicePattern,
      key.deviceOwner,
      key.expiresAt,
      key.revokedAt,
      key.replacedBy,
    );
    this.#remember(key);
  }

  /** Writes when and how a key ends; the rest of it never changes. */
  replace(key: KeyRecord): void {
    this.#statements.end.run(key.expiresAt, key.revokedAt, key.replacedBy, key.id);
    this.#remember(key);
  }

  #remember(key: KeyRecord): void {
    this.#byHash.set(key.hash, key);
    this.#byId.set(key.id, key);
  }
}
