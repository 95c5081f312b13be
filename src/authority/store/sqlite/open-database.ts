import { closeSync, openSync } from "node:fs";
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
  // SQLite gives its companion files the mode of the file itself.
  if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true });
  try {
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
