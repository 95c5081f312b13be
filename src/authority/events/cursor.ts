import { Failure } from "../failure.ts";

/** Where a reader is: the last entry it has seen of each chain, by the chain's id. */
export type Cursor = ReadonlyMap<number, number>;

const MAX_CHAINS = 1_000;
const CURSOR = /^\d{1,15}\.\d{1,15}(?:_\d{1,15}\.\d{1,15})*$/;

/** The cursor as the id of an event. */
export function formatCursor(cursor: Cursor): string {
  return Array.from(cursor, ([chain, seq]) => `${chain}.${seq}`).join("_");
}

/**
 * Reads a `Last-Event-ID`.
 *
 * @throws Failure REQUEST_MALFORMED
 */
export function parseCursor(text: string): Cursor {
  const parts = text.split("_", MAX_CHAINS + 1);
  if (text.length > 32 * MAX_CHAINS || !CURSOR.test(text) || parts.length > MAX_CHAINS) {
    throw new Failure("REQUEST_MALFORMED", "Last-Event-ID is the id of no event.");
  }
  return new Map(
    parts.map((part) => {
      const [chain = 0, seq = 0] = part.split(".").map(Number);
      return [chain, seq];
    }),
  );
}
