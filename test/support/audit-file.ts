import { DatabaseSync } from "node:sqlite";

/** An audit entry in a store's file. */
export interface StoredEntry {
  readonly chainId: number;
  readonly seq: number;
  readonly entry: string;
}

const CHAIN_SIZE = 2n ** 40n;

interface StoredRow {
  readonly id: bigint;
  readonly entry: string;
}

/**
 * Edits audit entries in a file that nobody owns, as somebody would who has it.
 *
 * @param change what becomes of an entry: other text, or null to take it out
 */
export function editEntries(path: string, change: (entry: StoredEntry) => string | null): void {
  const database = new DatabaseSync(path);
  const select = database.prepare("SELECT id, entry FROM audit ORDER BY id");
  select.setReadBigInts(true);
  const update = database.prepare("UPDATE audit SET entry = ? WHERE id = ?");
  const remove = database.prepare("DELETE FROM audit WHERE id = ?");
  for (const { id, entry } of select.all() as unknown as StoredRow[]) {
    const lines = entry.split("\n");
    const first = Number(id % CHAIN_SIZE) - lines.length + 1;
    const changed = lines.flatMap((line, index) => {
      const becomes = change({
        chainId: Number(id / CHAIN_SIZE),
        seq: first + index,
        entry: line,
      });
      return becomes === null ? [] : [becomes];
    });
    if (changed.length === 0) remove.run(id);
    else update.run(changed.join("\n"), id);
  }
  database.close();
}

/** All audit entries of a file that nobody owns, chain by chain. */
export function readEntries(path: string): StoredEntry[] {
  const entries: StoredEntry[] = [];
  editEntries(path, (entry) => {
    entries.push(entry);
    return entry.entry;
  });
  return entries;
}
