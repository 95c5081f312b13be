import { constants, existsSync } from "node:fs";
import { copyFile, open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { verifyAudit } from "../../authority/index.ts";
import type { AuditVerification } from "../../authority/index.ts";
import { ADMIN_KEY_HEADER, REQUEST_ID_HEADER, requestIdOf, ROUTES } from "../../wire/index.ts";
import { findAdministered } from "../admin-client.ts";
import type { Administered, AdminArguments } from "../admin-client.ts";
import { failed } from "../answer.ts";
import { readTimeoutMs } from "../connection.ts";
import { CommandError, EXIT } from "../exit-code.ts";

/** A backup that is whole: SQLite finds no damage in it, and its audit verifies. */
export interface TakenBackup {
  readonly path: string;
  readonly bytes: number;
  readonly chains: number;
  readonly entries: number;
}

/**
 * Fetches a copy of an authority's store into a new file that only this user
 * reads, and verifies it. The file appears under its name only when it is good.
 *
 * @throws {@link CommandError}
 */
export async function takeBackup(file: string, args: AdminArguments): Promise<TakenBackup> {
  const path = resolve(file);
  const administered = findAdministered(args);
  const signal = AbortSignal.timeout(readTimeoutMs(args["timeout-ms"]));
  if (existsSync(path)) throw problem(`${file} exists. Name a file that does not`);
  const partial = `${path}.partial`;
  const check = `${path}.check`;
  try {
    const bytes = await fetchInto(partial, administered, signal);
    // Opening a store may bring it to a newer schema: what is looked at is a copy of the copy.
    await copyFile(partial, check, constants.COPYFILE_FICLONE);
    const { chains, rows } = await verify(check);
    await rename(partial, path);
    return { path, bytes, chains, entries: rows };
  } finally {
    for (const left of [partial, check, `${check}-wal`, `${check}-shm`, `${check}-journal`]) {
      await rm(left, { force: true });
    }
  }
}

async function fetchInto(
  partial: string,
  { key, origin, prefix }: Administered,
  signal: AbortSignal,
): Promise<number> {
  const { method, path } = ROUTES.backup;
  let response: Response;
  try {
    response = await fetch(origin + prefix + path, {
      method,
      headers: { [ADMIN_KEY_HEADER]: key },
      redirect: "error",
      signal,
    });
  } catch (error) {
    throw outage(`${origin} could not be reached`, error);
  }
  const { status, headers, body } = response;
  if (status !== 200 || body === null) {
    const text = await response.text();
    const requestId = requestIdOf({ request_id: headers.get(REQUEST_ID_HEADER) });
    throw failed({ status, body: parse(text), requestId, retryAfterMs: undefined }, "The backup");
  }
  const announced = Number(headers.get("content-length") ?? Number.NaN);
  await rm(partial, { force: true });
  const target = await open(partial, "wx", 0o600).catch((error: unknown) => {
    throw problem(`${partial} cannot be made. Check that its directory exists`, error);
  });
  let bytes = 0;
  try {
    for await (const chunk of body) {
      await target.writeFile(chunk);
      bytes += chunk.byteLength;
    }
    await target.sync();
  } catch (error) {
    throw outage("the backup did not arrive whole", error);
  } finally {
    await target.close();
  }
  if (bytes !== announced) throw outage(`${bytes} of ${announced} bytes of the backup arrived`);
  return bytes;
}

async function verify(path: string): Promise<AuditVerification> {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const [row] = database.prepare("PRAGMA integrity_check").all();
      const found = row?.["integrity_check"];
      if (found !== "ok") throw problem(`The backup is damaged: ${String(found)}`);
    } finally {
      database.close();
    }
    const audit = await verifyAudit(path);
    if (audit.ok) return audit;
    const { orgId = "", seq, message = "" } = audit.problem ?? {};
    const where = `the chain of ${orgId === "" ? "the administrator" : `org ${orgId}`}`;
    throw problem(
      `The audit does not verify, in ${where}${seq === undefined ? "" : `, entry ${seq}`}: ${message}`,
    );
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw problem(`The backup cannot be read: ${String(error)}`, error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const problem = (message: string, cause?: unknown): CommandError =>
  new CommandError(message, { exitCode: EXIT.error, code: "BACKUP_FAILED", cause });

const outage = (what: string, cause?: unknown): CommandError =>
  new CommandError(`No backup: ${what}. Try again; machineid doctor looks closer`, {
    exitCode: EXIT.unavailable,
    code: "AUTHORITY_UNREACHABLE",
    cause,
  });
