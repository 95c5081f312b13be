import type { AuditEntry } from "../../wire/index.ts";
import type { AuditChain, AuditRow, AuditStore } from "../store/audit-store.ts";
import { readEntry } from "./chain-verifier.ts";
import type { AuditOrder } from "./cursor.ts";

/** Rows that are fetched at once: little enough that decisions are not held up. */
const ROWS_AT_ONCE = 200;

/** How far a clock that was set back may have disturbed the order of entries, in milliseconds. */
const CLOCK_SLACK_MS = 10 * 60_000;

/** Where rows are read from. */
export type RowStore = Pick<AuditStore, "auditRows">;

/** A row with the entry that it holds; one that cannot be read is shown as it is. */
export interface ReadRow extends AuditRow {
  readonly fields: AuditEntry | undefined;
}

/** Reads one chain from a place on, in either order. */
export class ChainReader {
  readonly chain: AuditChain;
  readonly #store: RowStore;
  readonly #order: AuditOrder;
  #buffer: ReadRow[] = [];
  #fetched: number;
  #position: number;

  /** @param position ascending: the last entry that was read; descending: the next one to read */
  constructor(store: RowStore, chain: AuditChain, order: AuditOrder, position: number) {
    this.chain = chain;
    this.#store = store;
    this.#order = order;
    // A cursor that was made up, or is older than what was cut, reads what there is.
    this.#position = Math.min(Math.max(position, chain.cut), chain.seq);
    this.#fetched = this.#position;
  }

  /** As in the constructor, of what was taken so far. */
  get position(): number {
    return this.#position;
  }

  /** Nothing comes after what was taken. */
  get isOver(): boolean {
    const { cut, seq } = this.chain;
    return this.#order === "asc" ? this.#position >= seq : this.#position <= cut;
  }

  /** The next row, without taking it. */
  async peek(): Promise<ReadRow | undefined> {
    if (this.#buffer.length === 0 && !this.isOver) await this.#fetch();
    return this.#buffer[0];
  }

  /** Takes what {@link peek} showed. */
  take(): void {
    const row = this.#buffer.shift();
    if (row !== undefined) this.#position = this.#order === "asc" ? row.seq : row.seq - 1;
  }

  /** Skips to the end. */
  finish(): void {
    this.#buffer = [];
    this.#position = this.#order === "asc" ? this.chain.seq : this.chain.cut;
  }

  async #fetch(): Promise<void> {
    const { id, cut, seq } = this.chain;
    const isAscending = this.#order === "asc";
    const after = isAscending ? this.#fetched : Math.max(cut, this.#fetched - ROWS_AT_ONCE);
    const most = isAscending ? Math.min(ROWS_AT_ONCE, seq - after) : this.#fetched - after;
    const rows = await this.#store.auditRows(id, after, most);
    const read = rows.map((row) => ({ ...row, fields: readEntry(row.entry) }));
    this.#buffer = isAscending ? read : read.toReversed();
    this.#fetched = isAscending ? (rows.at(-1)?.seq ?? seq) : after;
    // What was cut meanwhile is passed over.
    if (this.#buffer.length === 0) this.finish();
  }
}

/**
 * The last entry before those from an instant on: a binary search, since entries
 * are in the order of the clock but for when it was set back.
 */
export async function positionBefore(
  store: RowStore,
  { id, cut, seq }: AuditChain,
  instant: number,
): Promise<number> {
  let low = cut;
  let high = seq;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await store.auditRows(id, middle, 1);
    const at = row === undefined ? undefined : readEntry(row.entry)?.at;
    if (at !== undefined && at < instant - CLOCK_SLACK_MS) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether an entry is so old that, newest first, none that comes later is from an instant on. */
export const isLongBefore = (at: number, instant: number): boolean => at < instant - CLOCK_SLACK_MS;
