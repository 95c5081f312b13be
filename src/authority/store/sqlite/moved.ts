import type { DatabaseSync } from "node:sqlite";
import { StoreSchemaError } from "../errors.ts";

/** Notes in a file that its content is kept elsewhere from now on, or with null that it is not. */
export function markMoved(database: DatabaseSync, to: string | null): void {
  if (to === null) database.exec("DELETE FROM meta WHERE name = 'moved_to'");
  else database.prepare("INSERT OR REPLACE INTO meta VALUES ('moved_to', ?)").run(to);
}

/**
 * Two authorities on copies of one store would contradict each other.
 *
 * @throws StoreSchemaError when the file's content was moved elsewhere
 */
export function refuseMoved(database: DatabaseSync, path: string): void {
  const row = database.prepare("SELECT value FROM meta WHERE name = 'moved_to'").get();
  if (row === undefined) return;
  throw new StoreSchemaError(
    path,
    `was moved to ${String(row["value"])}, and is out of date; serve that one`,
  );
}
