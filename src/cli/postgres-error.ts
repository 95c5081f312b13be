import { describePostgres, StoreSchemaError, StoreUnavailableError } from "../authority/index.ts";
import { CommandError, EXIT, UsageError } from "./exit-code.ts";

/** What PostgreSQL, or the way to it, says that a person can do something about. */
const PROBLEMS: Readonly<Partial<Record<string, string>>> = {
  "28P01": "refuses this user or password. Check both in the database's address",
  "28000": "refuses this user. Check the address, and what the server's pg_hba.conf lets in",
  "3D000": "is not there. Make the database, or check its name in the address",
  "42501":
    "does not let this user make its schema. Run there: GRANT CREATE ON DATABASE … TO this user",
  "53300": "has no connection left: a replica needs up to six. Raise max_connections",
  "57P03": "is starting or stopping. Try again in a moment",
  "25006": "can only be read. Give the primary's address",
  ECONNREFUSED:
    "does not answer: no server listens there. Check host and port, or start the server",
  ENOTFOUND: "cannot be found: there is no such host. Check the address",
  EAI_AGAIN: "cannot be found: the host cannot be looked up. Check the address and the network",
  EHOSTUNREACH: "cannot be reached. Check the address and the network",
  ETIMEDOUT: "does not answer. Check the address and the network",
  ECONNRESET: "ended the connection. Check the address, and whether it wants ?sslmode=verify-full",
  SELF_SIGNED_CERT_IN_CHAIN:
    "has a certificate of an unknown authority. Name that authority's file with ?sslrootcert=FILE",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "has a certificate that nobody signed. Name it with ?sslmode=verify-full&sslrootcert=FILE",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "has a certificate for another name. Use the host name that the certificate is for",
};

/** The address of a database, fit to be shown. @throws {@link UsageError} when it is none */
export function readPostgresName(url: string): string {
  try {
    return describePostgres(url);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** What a failing PostgreSQL store means for the person who started it. */
export function postgresError(name: string, error: unknown): CommandError {
  const fail = (problem: string, code: string): CommandError =>
    new CommandError(`The database ${name} ${problem}`, {
      exitCode: EXIT.error,
      code,
      cause: error,
    });
  if (error instanceof CommandError) return error;
  if (error instanceof StoreSchemaError) {
    return fail(error.message.slice(`${error.path} `.length), "STORE_SCHEMA");
  }
  for (let next = error; next instanceof Error; next = next.cause) {
    const code: unknown = Reflect.get(next, "code");
    const problem = typeof code === "string" ? PROBLEMS[code] : undefined;
    if (problem !== undefined) return fail(problem, "STORE_UNAVAILABLE");
  }
  if (!(error instanceof StoreUnavailableError)) throw error;
  const reason = error.message.replace(/^store unavailable: /, "");
  return fail(`cannot be used: ${reason}`, "STORE_UNAVAILABLE");
}
