import type { DatabaseSync } from "node:sqlite";
import type { AuditRow } from "../audit-store.ts";
import { entriesIn, rowsOf } from "../audit-lines.ts";
import { auditFromRow } from "../rows.ts";

/** Entries that a chain has room for. */
const CHAIN_SIZE = 2n ** 40n;

/** Little enough that a row is read or cut without holding decisions up. */
const ROW_SIZE = { entries: 256 };

const rowId = (chainId: number, seq: number): bigint => BigInt(chainId) * CHAIN_SIZE + BigInt(seq);

/** The entries of audit chains in a file. */
export class AuditRows {
  readonly #statements;

  constructor(database: DatabaseSync) {
    this.#statements = {
      insert: database.prepare("INSERT INTO audit VALUES (?, ?)"),
      remove: database.prepare("DELETE FROM audit WHERE id > ? AND id <= ?"),
      shorten: database.prepare("UPDATE audit SET entry = ? WHERE id = ?"),
      before: database.prepare(
        `SELECT coalesce(
          (SELECT max(id) % ${CHAIN_SIZE} FROM audit WHERE id > ? AND id <= ?),
          (SELECT cut FROM audit_chains WHERE id = ?), 0) AS seq`,
      ),
      after: database.prepare(
        `SELECT id % ${CHAIN_SIZE} AS seq, entry FROM audit WHERE id > ? AND id < ? ORDER BY id`,
      ),
    };
  }

  /** @param lastSeq number of the last of `entries`, which follow one another */
  insert(chainId: number, lastSeq: number, entries: readonly string[]): void {
    for (const { seq, entry } of rowsOf(lastSeq, entries, ROW_SIZE)) {
      this.#statements.insert.run(rowId(chainId, seq), entry);
    }
  }

  /** Entries of a chain that come after `afterSeq`, in order, at most `limit`. */
  read(chainId: number, afterSeq: number, limit: number): AuditRow[] {
    const { before } = this.#statements;
    const chain = rowId(chainId, 0);
    const start = Number(before.get(chain, rowId(chainId, afterSeq), chainId)?.["seq"]);
    return entriesIn(this.#after(chainId, afterSeq), start, afterSeq, limit);
  }

  /** Removes a chain's entries up to `seq`. */
  removeUpTo(chainId: number, seq: number): void {
    this.#statements.remove.run(rowId(chainId, 0), rowId(chainId, seq));
    for (const row of this.#after(chainId, seq)) {
      const entries = row.entry.split("\n");
      const kept = entries.slice(seq - row.seq);
      if (kept.length < entries.length) {
        this.#statements.shorten.run(kept.join("\n"), rowId(chainId, row.seq));
      }
      return;
    }
  }

  *#after(chainId: number, seq: number): Generator<AuditRow> {
    const { after } = this.#statements;
    for (const row of after.iterate(rowId(chainId, seq), rowId(chainId + 1, 0))) {
      yield auditFromRow(row);
    }
  }
}
