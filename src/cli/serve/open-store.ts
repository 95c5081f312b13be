import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  isPostgresUrl,
  postgresStore,
  sqliteStore,
  StoreLockedError,
  StoreSchemaError,
} from "../../authority/index.ts";
import type { Store } from "../../authority/index.ts";
import { CommandError, EXIT, UsageError } from "../exit-code.ts";
import { printError } from "../output.ts";
import { readServerFile } from "../local-authority.ts";
import { postgresError, readPostgresName } from "../postgres-error.ts";

/** SQLite's result codes that a person can do something about. */
const SQLITE_PROBLEMS: Readonly<Partial<Record<number, string>>> = {
  3: "cannot be read or written: permission denied. Give this user the file, or another --db",
  8: "can only be read. Give this user write access, or another --db",
  10: "cannot be read or written: the disk reports an error. Check the disk, or give another --db",
  11: "is damaged. Restore it from a backup, or give another --db",
  13: "cannot be written: the disk is full. Free some space, or give another --db",
  14: "cannot be opened. Check that the directory exists and may be written to",
};

const FILE_PROBLEMS: Readonly<Partial<Record<string, string>>> = {
  ENOENT: "cannot be made: its directory does not exist. Make the directory, or give another --db",
  ENOTDIR: "cannot be made: a part of its path is a file. Give another --db",
  EACCES: "cannot be read or written: permission denied. Give this user the file, or another --db",
  EPERM: "cannot be read or written: permission denied. Give this user the file, or another --db",
  EROFS: "cannot be written: the file system is read-only. Give another --db",
  EISDIR: "is a directory. Name a file in it with --db",
  ENOSPC: "cannot be written: the disk is full. Free some space, or give another --db",
  ELOOP: "cannot be opened: its links go in a circle. Give another --db",
};

/**
 * Opens the database of `serve`.
 *
 * @throws {@link CommandError} that says what to do about it
 */
export async function openStore(database: string): Promise<Store> {
  if (database === "") throw new UsageError("--db needs a file, :memory: or postgres://…");
  refuseUnusable(database);
  try {
    if (isPostgresUrl(database)) return await postgresStore({ url: database });
    const store = await sqliteStore(database);
    warnOfReaders(database);
    return store;
  } catch (error) {
    throw storeError(database, error);
  }
}

/** Whether a database is a file of this machine. */
export const isFile = (database: string): boolean =>
  database !== ":memory:" && !isPostgresUrl(database);

/** What a database is called where people read it: without a password. */
export const nameOf = (database: string): string =>
  isPostgresUrl(database) ? readPostgresName(database) : database;

/** SQLite opens what it cannot write to as read-only, and only says so later. */
function refuseUnusable(database: string): void {
  if (!isFile(database)) return;
  try {
    const path = resolve(database);
    if (!existsSync(path)) accessSync(dirname(path), constants.W_OK);
    else if (statSync(path).isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    else accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw storeError(database, error);
  }
}

/**
 * The file holds hashes of keys and the whole audit. One that was made by other
 * means, as by a copy, keeps its mode: changing it is its owner's decision.
 */
function warnOfReaders(database: string): void {
  if (!isFile(database) || process.platform === "win32") return;
  const mode = statSync(database).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  printError(
    `machineid: warning: other users of this machine can open the database (mode 0${mode.toString(8)}): chmod 600 ${database}`,
  );
}

/** What a failing store means for the person who started it. */
export function storeError(database: string, error: unknown): CommandError {
  if (isPostgresUrl(database)) return postgresError(nameOf(database), error);
  const fail = (problem: string, code: string): CommandError =>
    new CommandError(`The database ${database} ${problem}`, {
      exitCode: EXIT.error,
      code,
      cause: error,
    });
  if (error instanceof StoreLockedError) {
    const owner = readServerFile(database);
    const who =
      owner === undefined
        ? "another process"
        : `the authority at ${owner.url} (process ${owner.pid})`;
    return fail(`is in use by ${who}. Stop it first, or give another --db`, "STORE_LOCKED");
  }
  if (error instanceof StoreSchemaError) {
    const problem = error.message.slice(`${error.path} `.length);
    return fail(`${problem}. Give another --db to start anew`, "STORE_SCHEMA");
  }
  const { code, errcode } = details(error);
  const problem =
    (errcode === undefined ? undefined : SQLITE_PROBLEMS[errcode & 0xff]) ??
    (code === undefined ? undefined : FILE_PROBLEMS[code]) ??
    `cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  return fail(problem, "STORE_UNAVAILABLE");
}

/** The codes of an error, or of what caused it. */
function details(error: unknown): { code?: string; errcode?: number } {
  for (let next = error; next instanceof Error; next = next.cause) {
    const errcode: unknown = Reflect.get(next, "errcode");
    const code: unknown = Reflect.get(next, "code");
    if (typeof errcode === "number") return { errcode };
    if (typeof code === "string" && code in FILE_PROBLEMS) return { code };
  }
  return {};
}
