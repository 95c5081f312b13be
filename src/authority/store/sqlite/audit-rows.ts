import type { DatabaseSync } from "node:sqlite";
import type { AuditRow } from "../audit-store.ts";
import { auditFromRow } from "../rows.ts";

/** Entries that a chain has room for. */
const CHAIN_SIZE = 2n ** 40n;

/** Most entries of a row: little enough that one is read or cut without holding decisions up. */
const MOST_ENTRIES = 256;

const rowId = (chainId: number, seq: number): bigint => BigInt(chainId) * CHAIN_SIZE + BigInt(seq);

/** @param end number of the last entry before the row */
function entriesOf({ seq, entry }: AuditRow, end: number): readonly string[] {
  const lines = entry.split("\n");
  return lines.length > seq - end ? [entry] : lines;
}

/**
 * The entries of audit chains in a file. What a group of steps added to one
 * chain is one row, or a few, since rows cost more than what is in them: its
 * entries, a line each, under the number of the last. An entry is JSON on one line.
 *
 * Entries are numbered from where the row before ends, and not by how many there
 * are, so that a line that was taken out moves those after it. A row with lines
 * that have no number, since somebody put them in, is one entry that is none.
 */
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
    const before = lastSeq - entries.length;
    for (let from = 0; from < entries.length; from += MOST_ENTRIES) {
      const part = entries.slice(from, from + MOST_ENTRIES);
      this.#statements.insert.run(rowId(chainId, before + from + part.length), part.join("\n"));
    }
  }

  /** Entries of a chain that come after `afterSeq`, in order, at most `limit`. */
  read(chainId: number, afterSeq: number, limit: number): AuditRow[] {
    const { before } = this.#statements;
    const chain = rowId(chainId, 0);
    let end = Number(before.get(chain, rowId(chainId, afterSeq), chainId)?.["seq"]);
    const found: AuditRow[] = [];
    for (const row of this.#after(chainId, afterSeq)) {
      for (const [index, entry] of entriesOf(row, end).entries()) {
        const seq = end + 1 + index;
        if (found.length < limit && seq > afterSeq) found.push({ seq, entry });
      }
      if (found.length >= limit) break;
      end = row.seq;
    }
    return found;
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
