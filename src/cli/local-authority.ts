import { existsSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as z from "zod/mini";
import { writePrivateFile } from "./private-file.ts";

/** The database that `serve` opens, and beside which commands look for an authority. */
export const DEFAULT_DATABASE = "./machineid.db";

/** The port that `serve` listens on. */
export const DEFAULT_PORT = 7643;

/** An authority that runs on this machine. */
export interface LocalAuthority {
  readonly url: string;
  readonly pid: number;
}

const schema = z.object({
  url: z.url({ protocol: /^https?$/ }),
  pid: z.int().check(z.positive()),
});

/** The file in which an authority says where it answers: beside its database. */
export function serverFileOf(database: string): string {
  const path = existsSync(database) ? realpathSync(database) : database;
  return join(dirname(path), `${basename(path)}.server.json`);
}

/**
 * Reads who serves a database. Undefined when nobody does: the file is missing,
 * or its process is gone, as after a crash.
 */
export function readServerFile(database: string): LocalAuthority | undefined {
  try {
    const found = schema.safeParse(JSON.parse(readFileSync(serverFileOf(database), "utf8")));
    return found.success && isAlive(found.data.pid) ? found.data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The authority of this machine that serves a database, if there is one that may
 * be sent a key: the file that names it is this user's alone, as no file is that
 * came with a checkout, and it names a loopback address.
 */
export function findLocalAuthority(
  database: string = DEFAULT_DATABASE,
): LocalAuthority | undefined {
  const found = readServerFile(database);
  if (found === undefined || !isLoopback(new URL(found.url).hostname)) return undefined;
  const { mode, uid } = statSync(serverFileOf(database));
  const isPrivate =
    process.getuid === undefined || (uid === process.getuid() && (mode & 0o077) === 0);
  return isPrivate ? found : undefined;
}

/** Whether a host name is this machine's own. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

/** Says where this process answers. The file appears whole, or not at all. */
export function announceLocalAuthority(database: string, url: string): void {
  const content = `${JSON.stringify({ url, pid: process.pid })}\n`;
  writePrivateFile(serverFileOf(database), content);
}

/** Takes back what {@link announceLocalAuthority} said, unless another process has spoken since. */
export function retractLocalAuthority(database: string): void {
  if (readServerFile(database)?.pid === process.pid) {
    rmSync(serverFileOf(database), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
