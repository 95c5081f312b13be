import { existsSync } from "node:fs";
import { isPostgresUrl, MoveError, moveStore, StoreLockedError } from "../../authority/index.ts";
import { CommandError, EXIT, UsageError } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { print, printJson } from "../output.ts";
import { postgresError, readPostgresName } from "../postgres-error.ts";
import { storeError } from "../serve/open-store.ts";
import { showProgress } from "./progress.ts";

/** What `migrate` was asked for. */
export interface MigrateOptions {
  /** `sqlite:FILE`, or the file alone. */
  readonly from: string;
  /** The address of a PostgreSQL database. */
  readonly to: string;
  readonly json: boolean;
}

/**
 * Moves a store into PostgreSQL.
 *
 * @throws {@link CommandError} that says what to do about it
 */
export async function migrate({ from, to, json }: MigrateOptions): Promise<ExitCode> {
  const file = from.replace(/^sqlite:(?:\/\/(?=\/))?/, "");
  if (file === "" || file === ":memory:" || isPostgresUrl(from)) {
    throw new UsageError("--from must be sqlite:FILE, the database of an authority");
  }
  if (!isPostgresUrl(to)) {
    throw new UsageError("--to, or MACHINEID_DB, must be postgres://user:password@host/database");
  }
  const name = readPostgresName(to);
  if (!existsSync(file)) {
    throw new CommandError(`There is no file ${file}. Name the database with --from sqlite:FILE`, {
      exitCode: EXIT.error,
      code: "STORE_MISSING",
    });
  }
  try {
    const moved = await moveStore({
      from: file,
      to: { url: to },
      ...(json ? {} : { onProgress: showProgress() }),
    });
    if (json) printJson({ status: "ok", from: file, to: name, ...moved });
    else {
      print(
        `Moved ${moved.orgs} orgs, ${moved.devices} devices and ${moved.auditEntries} audit entries to ${name}.`,
      );
      print(
        `Serve it with --db or MACHINEID_DB; ${file} is out of date now, and is not served again.`,
      );
    }
    return EXIT.ok;
  } catch (error) {
    throw moveError(file, name, error);
  }
}

function moveError(file: string, name: string, error: unknown): CommandError {
  if (error instanceof MoveError) {
    const message = `Nothing was moved: ${error.message}`;
    return new CommandError(message, { exitCode: EXIT.error, code: error.code, cause: error });
  }
  const isOfFile =
    error instanceof StoreLockedError ||
    (error instanceof Error && Reflect.get(error, "path") === file);
  return isOfFile ? storeError(file, error) : postgresError(name, error);
}
