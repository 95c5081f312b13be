import type { AuditRow } from "./audit-store.ts";

/*
 * How audit entries lie in tables. What is added to one chain at once is one row,
 * or a few, since rows cost more than what is in them: its entries, a line each,
 * under the number of the last. An entry is JSON on one line.
 *
 * Entries are numbered from where the row before ends, and not by how many there
 * are, so that a line that was taken out moves those after it. A row with lines
 * that have no number, since somebody put them in, is one entry that is none.
 */

/** How much one row holds, or one entry. It always holds one. */
export interface RowSize {
  readonly entries: number;
  /** UTF-16 units. @default any */
  readonly length?: number;
}

/**
 * The rows of entries that follow one another in a chain.
 *
 * @param lastSeq number of the last of them
 */
export function rowsOf(lastSeq: number, entries: readonly string[], most: RowSize): AuditRow[] {
  let seq = lastSeq - entries.length;
  return Array.from(inParts(entries, most), (part) => {
    seq += part.length;
    return { seq, entry: part.join("\n") };
  });
}

/** Texts in their order, as many at once as there is room for: always one. */
export function* inParts(
  texts: readonly string[],
  { entries: most, length: mostUnits = Number.POSITIVE_INFINITY }: RowSize,
): Generator<readonly string[]> {
  let from = 0;
  let units = 0;
  for (const [index, { length }] of texts.entries()) {
    if (index > from && (index - from >= most || units + length > mostUnits)) {
      yield texts.slice(from, index);
      from = index;
      units = 0;
    }
    units += length + 1;
  }
  if (from < texts.length) yield texts.slice(from);
}

/**
 * The entries in rows that follow one another.
 *
 * @param start number of the last entry before the rows
 * @param afterSeq entries up to this are left out
 * @param limit most entries that are answered
 */
export function entriesIn(
  rows: Iterable<AuditRow>,
  start: number,
  afterSeq: number,
  limit: number,
): AuditRow[] {
  const found: AuditRow[] = [];
  let end = start;
  for (const row of rows) {
    for (const [index, entry] of linesOf(row, end).entries()) {
      const seq = end + 1 + index;
      if (found.length < limit && seq > afterSeq) found.push({ seq, entry });
    }
    if (found.length >= limit) break;
    end = row.seq;
  }
  return found;
}

function linesOf({ seq, entry }: AuditRow, end: number): readonly string[] {
  const lines = entry.split("\n");
  return lines.length > seq - end ? [entry] : lines;
}
