import { StoreSchemaError } from "../errors.ts";
import { Connection } from "./connection.ts";
import { clientConfig } from "./client-config.ts";
import type { PostgresSettings } from "./options.ts";
import { LOCK_CLASS, LOCKS, prepareServer } from "./prepare.ts";
import { SCHEMA } from "./schema.ts";

/** A step over a large table takes its time, and replicas that start together wait for each other. */
const MIGRATION_MS = 10 * 60_000;

const statement = (name: string, text: string) => ({ name: `machineid_migrate_${name}`, text });
const LOCK = statement("lock", `SELECT pg_advisory_lock(${LOCK_CLASS}, ${LOCKS.migration})`);
const LOOK = statement(
  "look",
  `SELECT to_regnamespace('machineid') IS NOT NULL AS exists,
     to_regclass('machineid.state') IS NOT NULL AS ours,
     EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('machineid')) AS filled`,
);
const FOUND = statement("found", "SELECT schema FROM machineid.state");

/**
 * Brings a database to the newest schema. One replica does it, the others wait.
 *
 * @throws StoreSchemaError when the database is newer than this program, or cannot hold a store
 * @throws StoreUnavailableError when it cannot be reached or changed
 */
export async function migrate(settings: PostgresSettings): Promise<void> {
  const connection = await Connection.open({
    ...clientConfig(settings),
    statement_timeout: MIGRATION_MS,
    lock_timeout: MIGRATION_MS,
  });
  try {
    await prepareServer(connection, settings);
    await connection.query(LOCK, [], MIGRATION_MS);
    await raise(connection, settings);
  } finally {
    // The lock goes with the session.
    await connection.end();
  }
}

async function raise(connection: Connection, settings: PostgresSettings): Promise<void> {
  const [look] = await connection.query<{ exists: boolean; ours: boolean; filled: boolean }>(
    LOOK,
    [],
    settings.connectTimeoutMs,
  );
  if (look?.ours !== true && look?.filled === true) {
    throw new StoreSchemaError(
      settings.name,
      "has a schema machineid that is no authority's store",
    );
  }
  const [state] =
    look?.ours === true
      ? await connection.query<{ schema: number }>(FOUND, [], settings.connectTimeoutMs)
      : [];
  const found = state?.schema ?? 0;
  if (found > SCHEMA.length) {
    throw new StoreSchemaError(
      settings.name,
      `has schema ${found}, and this version knows schemas up to ${SCHEMA.length}; ` +
        "run the newer version that wrote it",
    );
  }
  if (found === SCHEMA.length) return;
  const create = look?.exists === true ? "" : "CREATE SCHEMA machineid;";
  await connection.run(
    `BEGIN; ${create} ${SCHEMA.slice(found).join(";")};
     UPDATE machineid.state SET schema = ${SCHEMA.length}; COMMIT`,
    MIGRATION_MS,
  );
}
