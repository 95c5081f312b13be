import type { DatabaseSync } from "node:sqlite";
import type { SigningKeyLedger } from "../ledger.ts";
import type { SigningKeyRecord } from "../records.ts";
import { signingKeyFromRow } from "../rows.ts";

/** The signing keys of a file. */
export class SigningKeyTable implements SigningKeyLedger {
  readonly #statements;

  constructor(database: DatabaseSync) {
    this.#statements = {
      all: database.prepare("SELECT * FROM signing_keys ORDER BY rowid"),
      put: database.prepare(
        `INSERT INTO signing_keys VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (kid) DO UPDATE SET
          private_key = excluded.private_key, published_until = excluded.published_until`,
      ),
    };
  }

  list(): SigningKeyRecord[] {
    return this.#statements.all.all().map(signingKeyFromRow);
  }

  /** Adds keys, and updates those that are there. */
  put(keys: readonly SigningKeyRecord[]): void {
    for (const key of keys) {
      const { kid, publicKey, privateKey, createdAt, signsFrom, publishedUntil } = key;
      this.#statements.put.run(kid, publicKey, privateKey, createdAt, signsFrom, publishedUntil);
    }
  }
}
