import { readFileSync, statSync } from "node:fs";
import { TlsIdentityError } from "../../authority/index.ts";
import type { Authority, TlsIdentity } from "../../authority/index.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import { printError } from "../output.ts";
import type { TlsFiles } from "./settings.ts";

/** @throws {@link CommandError} when a file cannot be read */
export function loadTls({ cert, key }: TlsFiles): TlsIdentity {
  const identity = { cert: read("certificate", cert), key: read("key", key) };
  const mode = statSync(key).mode & 0o777;
  if (process.platform !== "win32" && (mode & 0o007) !== 0) {
    printError(
      `machineid: warning: every user of this machine can read the private key ${key}: chmod 600 ${key}`,
    );
  }
  return identity;
}

/** What a certificate or key that cannot be served with means for who gave it. */
export function tlsError({ cert, key }: TlsFiles, error: TlsIdentityError): CommandError {
  return failed(`Cannot serve https with ${cert} and ${key}: ${error.message}`, error);
}

/** Serves with what the files hold now; when that does not work, with what they held before. */
export function renewTls(
  authority: Pick<Authority, "renewTls">,
  files: TlsFiles,
  logger: { error(fields: object, message: string): void },
): void {
  try {
    authority.renewTls(loadTls(files));
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof TlsIdentityError)) throw error;
    logger.error({ reason: error.message }, "certificate not renewed; the one before stays");
  }
}

function read(what: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw failed(`The TLS ${what} ${path} cannot be read: ${reason}`, error);
  }
}

const failed = (message: string, cause: unknown): CommandError =>
  new CommandError(message, { exitCode: EXIT.error, code: "TLS_IDENTITY_INVALID", cause });
