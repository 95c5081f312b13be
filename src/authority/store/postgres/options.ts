/** How a store in PostgreSQL is opened. */
export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database`, with `?sslmode=verify-full`
   * and `sslrootcert=` where the way there is not private. It must name the
   * primary, and lead to it without a pooler that shares sessions.
   */
  readonly url: string;
  /**
   * A decision that is not made and in the audit by then is refused, in
   * milliseconds. @default 1_500
   */
  readonly decisionTimeoutMs?: number;
  /** The same for what is no decision: changes and lists, in milliseconds. @default 5_000 */
  readonly changeTimeoutMs?: number;
  /** How long making a connection may take, in milliseconds. @default 1_000 */
  readonly connectTimeoutMs?: number;
}

/** Where a store is and how long it may take. */
export interface PostgresSettings extends Required<PostgresOptions> {
  /** The address, without its password: fit to be shown. */
  readonly name: string;
}

const PROTOCOLS = new Set(["postgres:", "postgresql:"]);

/** Whether a database is named by the address of a PostgreSQL server. */
export const isPostgresUrl = (database: string): boolean => /^postgres(?:ql)?:\/\//.test(database);

/** @throws TypeError when the address is none; it does not repeat the address, which has a password in it */
export function readSettings(options: PostgresOptions): PostgresSettings {
  const { decisionTimeoutMs = 1_500, changeTimeoutMs = 5_000, connectTimeoutMs = 1_000 } = options;
  return {
    url: options.url,
    name: describePostgres(options.url),
    decisionTimeoutMs,
    changeTimeoutMs,
    connectTimeoutMs,
  };
}

/**
 * The address of a database without its password and options, to be shown.
 *
 * @throws TypeError when it is no address of a PostgreSQL server
 */
export function describePostgres(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !PROTOCOLS.has(parsed.protocol)) {
    throw new TypeError(
      "the database's address must look like postgres://user:password@host:5432/database; " +
        "special characters in user and password are written as %XX",
    );
  }
  const user = parsed.username === "" ? "" : `${parsed.username}@`;
  return `postgres://${user}${parsed.host}${parsed.pathname}`;
}
