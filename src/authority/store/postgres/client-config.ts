import { types } from "pg";
import type { ClientConfig } from "pg";
import type { PostgresSettings } from "./options.ts";

/** Versions and instants are whole numbers well within what a double holds exactly. */
const getTypeParser: typeof types.getTypeParser = (id, format) =>
  id === types.builtins.INT8
    ? Number
    : (types.getTypeParser(id, format) as (value: string) => unknown);

/** What all connections have in common; the timeouts bound what the server does for one of them. */
export function clientConfig(settings: PostgresSettings): ClientConfig {
  const statementMs = Math.max(settings.decisionTimeoutMs, settings.changeTimeoutMs);
  return {
    connectionString: settings.url,
    application_name: "machineid",
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    statement_timeout: statementMs,
    lock_timeout: settings.decisionTimeoutMs,
    idle_in_transaction_session_timeout: statementMs,
    types: { getTypeParser },
    pipeline: true,
  };
}
