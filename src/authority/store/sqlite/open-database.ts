import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreLockedError, StoreSchemaError } from "../errors.ts";
import { migrate } from "./migrations.ts";

const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

/** SQLite's primary result code of an error, if it is one of SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  const code = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined;
  return typeof code === "number" ? code & 0xff : undefined;
}

/**
 * Opens a store's file and becomes its only owner, for as long as the process
 * lives: the lock goes with it, however it ends.
 *
 * @throws StoreLockedError when another process owns the file
 * @throws StoreSchemaError when it is not a store this version can work with
 */
export function openDatabase(path: string): DatabaseSync {
  const isNew = path !== ":memory:" && !existsSync(path);
  if (isNew) createPrivately(path);
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true });
  try {
    // A link to nothing was not followed above; SQLite has made what it points at.
    if (isNew) chmodSync(path, 0o600);
    // Exclusive before WAL: the lock is then in the file, and needs no shared memory.
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
    );
    database.exec("BEGIN IMMEDIATE");
    migrate(database, path);
    database.exec("COMMIT");
    return database;
  } catch (error) {
    database.close();
    const code = sqliteCode(error);
    if (code === SQLITE_BUSY) throw new StoreLockedError(path, { cause: error });
    if (code === SQLITE_NOTADB) {
      throw new StoreSchemaError(path, "is not a SQLite database", { cause: error });
    }
    throw error;
  }
}

/**
 * Makes an empty file that only its owner reads; SQLite gives its companion
 * files the same mode. A file that exists is never opened here: closing any
 * descriptor of it would drop the locks that this process holds on it.
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
