/** How far each of several chains was read, by chain id. */
export type Positions = ReadonlyMap<number, number>;

/** Oldest first, or newest first. */
export type AuditOrder = "asc" | "desc";

/** What a cursor says. It is written for this authority alone; clients hand it back as it is. */
export interface Cursor {
  readonly order: AuditOrder;
  readonly positions: Positions;
}

const LETTERS = { asc: "a", desc: "d" } as const;
const PLACE = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})$/;

/** Writes a cursor: its order, then every chain with the number of the last entry delivered. */
export function writeCursor({ order, positions }: Cursor): string {
  const places = [...positions].map(([id, seq]) => `${id.toString(36)}-${seq.toString(36)}`);
  return [LETTERS[order], ...places].join(".");
}

/** Reads a cursor; undefined when it is none. */
export function readCursor(text: string): Cursor | undefined {
  const [letter, ...places] = text.split(".");
  if (letter !== LETTERS.asc && letter !== LETTERS.desc) return undefined;
  const positions = new Map<number, number>();
  for (const place of places) {
    const [, id = "", seq = ""] = PLACE.exec(place) ?? [];
    const read = [Number.parseInt(id, 36), Number.parseInt(seq, 36)] as const;
    if (!read.every((number) => Number.isSafeInteger(number))) return undefined;
    positions.set(...read);
  }
  return { order: letter === LETTERS.asc ? "asc" : "desc", positions };
}
