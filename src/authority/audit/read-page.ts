import { devicesOfEntry } from "../../wire/index.ts";
import type { AuditChain } from "../store/audit-store.ts";
import { ChainReader, isLongBefore, positionBefore } from "./chain-reader.ts";
import type { ReadRow, RowStore } from "./chain-reader.ts";
import { writeCursor } from "./cursor.ts";
import type { AuditOrder, Cursor } from "./cursor.ts";

/** Most rows that one page looks at, so that a filter which nothing passes ends, too. */
const MOST_SCANNED = 5_000;
/** Largest page, in bytes of entries; a client reads answers up to twice as large. */
const MOST_BYTES = 384 * 1024;

/** What to read. */
export interface PageRequest {
  readonly deviceId: string | undefined;
  readonly code: string | undefined;
  readonly limit: number;
  readonly order: AuditOrder;
  /** Where the page before ended. */
  readonly cursor: Cursor | undefined;
  /** Entries from this instant on, milliseconds since the epoch. */
  readonly since: number | undefined;
}

/** A page of the audit. */
export interface Page {
  readonly entries: readonly { readonly chain: string; readonly line: string }[];
  readonly cursor: string;
  readonly more: boolean;
}

/**
 * Reads a page over several chains. A cursor holds a place in each of them, so
 * that every entry is delivered once, however much is appended meanwhile and by
 * whom: the instants of entries order a page, and decide nothing else.
 *
 * @param chains those of one org, as they are now
 */
export async function readPage(
  store: RowStore,
  chains: readonly AuditChain[],
  request: PageRequest,
): Promise<Page> {
  const { order, limit } = request;
  const readers = await Promise.all(chains.map((chain) => openReader(store, chain, request)));
  const entries: { chain: string; line: string }[] = [];
  let bytes = 0;
  for (let scanned = 0; scanned < MOST_SCANNED && entries.length < limit; scanned += 1) {
    const next = await nextOf(readers, order);
    if (next === undefined) break;
    const { reader, row } = next;
    const size = 2 * Buffer.byteLength(row.entry);
    if (entries.length > 0 && bytes + size > MOST_BYTES) break;
    reader.take();
    if (passes(row, request)) {
      entries.push({ chain: reader.chain.writer, line: row.entry });
      bytes += size;
    }
    const { since } = request;
    if (order === "desc" && since !== undefined && isLongBefore(atOf(row), since)) reader.finish();
  }
  const positions = new Map(readers.map(({ chain, position }) => [chain.id, position]));
  return {
    entries,
    cursor: writeCursor({ order, positions }),
    more: readers.some(({ isOver }) => !isOver),
  };
}

/** A cursor for what comes after everything that chains have now. */
export const cursorAtEnd = (chains: readonly AuditChain[]): string =>
  writeCursor({ order: "asc", positions: new Map(chains.map(({ id, seq }) => [id, seq])) });

async function openReader(
  store: RowStore,
  chain: AuditChain,
  { cursor, order, since }: PageRequest,
): Promise<ChainReader> {
  const known = cursor?.positions.get(chain.id);
  if (known !== undefined) return new ChainReader(store, chain, order, known);
  if (order === "desc") {
    // Newest first, a chain that was begun after the first page is not what was asked for.
    return new ChainReader(store, chain, order, cursor === undefined ? chain.seq : 0);
  }
  const position =
    since === undefined || cursor !== undefined
      ? chain.cut
      : await positionBefore(store, chain, since);
  return new ChainReader(store, chain, order, position);
}

async function nextOf(
  readers: readonly ChainReader[],
  order: AuditOrder,
): Promise<{ reader: ChainReader; row: ReadRow } | undefined> {
  let next: { reader: ChainReader; row: ReadRow } | undefined;
  for (const reader of readers) {
    const row = await reader.peek();
    if (row === undefined) continue;
    const isNext =
      next === undefined ||
      (order === "asc" ? atOf(row) < atOf(next.row) : atOf(row) > atOf(next.row));
    if (isNext) next = { reader, row };
  }
  return next;
}

/** An entry that cannot be read comes first, so that it is noticed. */
const atOf = ({ fields }: ReadRow): number => fields?.at ?? 0;

function passes({ fields }: ReadRow, { deviceId, code, since }: PageRequest): boolean {
  const isAbout = deviceId === undefined || devicesOfEntry(fields ?? {}).includes(deviceId);
  if (!isAbout) return false;
  if (code !== undefined && fields?.code !== code) return false;
  return since === undefined || (fields?.at ?? 0) >= since;
}
