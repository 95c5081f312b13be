import { StoreSchemaError, StoreUnavailableError } from "../errors.ts";
import { sqlState } from "./connection.ts";
import type { Connection } from "./connection.ts";
import type { PostgresSettings } from "./options.ts";
import { SCHEMA } from "./schema.ts";

/** The first int of all our advisory locks, which are the database's own. */
export const LOCK_CLASS = 0x4d_69_44_61;

/** The second int of each. */
export const LOCKS = {
  migration: 1,
  /** Whose turn it is to change; see the changes. */
  turn: 2,
  /** Moving a store here. */
  move: 3,
  /** Shared by all connections of replicas that enter themselves among the replicas. */
  entering: 4,
  /** And one for each writer of audit chains from here on. */
  writers: 1_000,
} as const;

const OLDEST_SERVER = 140_000;

interface ServerRow {
  readonly standby: boolean;
  readonly server: number;
  readonly encoding: string;
}

/*
 * Commits are durable, and on synchronous standbys, before they are answered or
 * seen. The server notices within seconds when this side is gone without a word,
 * so that it holds no lock for the dead. Tables are looked up by their indexes
 * also while they are so small that reading them whole looks cheaper: a batch
 * would do that once for each of its requests.
 */
const PREPARE = {
  name: "machineid_prepare",
  text: `
    SELECT pg_is_in_recovery() AS standby,
      current_setting('server_version_num')::int AS server,
      current_setting('server_encoding') AS encoding,
      set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
        THEN 'on' ELSE current_setting('synchronous_commit') END, false),
      set_config('default_transaction_isolation', 'read committed', false),
      set_config('tcp_keepalives_idle', '5', false),
      set_config('tcp_keepalives_interval', '2', false),
      set_config('tcp_keepalives_count', '3', false),
      set_config('tcp_user_timeout', '10000', false),
      set_config('enable_seqscan', 'off', false),
      set_config('jit', 'off', false),
      pg_advisory_lock_shared(${LOCK_CLASS}, ${LOCKS.entering})`,
};

const KNOWN_SCHEMA = {
  name: "machineid_schema",
  text: "SELECT schema, importing, timeline FROM machineid.state",
};

/** No failover loses as many changes, so that no version is ever given twice. */
const TIMELINE_JUMP = 1_000_000;

const TIMELINE = {
  name: "machineid_timeline",
  text: "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline",
};
const NEW_TIMELINE = {
  name: "machineid_new_timeline",
  text: `
    UPDATE machineid.state SET timeline = $1, settled = settled AND timeline IS NULL,
      version = version + CASE WHEN timeline IS NULL THEN 0 ELSE ${TIMELINE_JUMP} END,
      revision = revision + CASE WHEN timeline IS NULL THEN 0 ELSE ${TIMELINE_JUMP} END
    WHERE timeline IS DISTINCT FROM $1`,
};

/**
 * Makes a new connection fit for use.
 *
 * @throws StoreUnavailableError when the server is a standby
 * @throws StoreSchemaError when the server cannot hold a store
 */
export async function prepareServer(
  connection: Connection,
  settings: PostgresSettings,
): Promise<void> {
  const [found] = await connection.query<ServerRow & Record<string, unknown>>(
    PREPARE,
    [],
    settings.connectTimeoutMs,
  );
  if (found === undefined || found.standby) {
    throw new StoreUnavailableError(
      `${settings.name} is a standby, which may be behind; give the primary's address`,
    );
  }
  if (found.server < OLDEST_SERVER) {
    const version = Math.floor(found.server / 10_000);
    throw new StoreSchemaError(
      settings.name,
      `is PostgreSQL ${version}, and 14 is the oldest that can be used`,
    );
  }
  if (found.encoding !== "UTF8") {
    throw new StoreSchemaError(
      settings.name,
      `has the encoding ${found.encoding}; make the database with encoding UTF8`,
    );
  }
}

/**
 * The same, for a connection that works on the store's tables.
 *
 * @throws StoreSchemaError when the store is of a newer version, or half moved here
 */
export async function prepareStore(
  connection: Connection,
  settings: PostgresSettings,
): Promise<void> {
  const { connectTimeoutMs } = settings;
  const [, [state], timeline] = await Promise.all([
    prepareServer(connection, settings),
    connection.query<{ schema: number; importing: string | null; timeline: string | null }>(
      KNOWN_SCHEMA,
      [],
      connectTimeoutMs,
    ),
    readTimeline(connection, connectTimeoutMs),
  ]);
  refuseUnknownSchema(state, settings);
  connection.timeline = timeline;
  // Before anything is read or changed here: what was lost with another server is not taken for what comes now.
  if (timeline !== undefined && timeline !== state?.timeline) {
    await connection.query(NEW_TIMELINE, [timeline], connectTimeoutMs);
  }
}

/** The timeline of the server, which stays while the connection lasts; undefined where the server does not tell. */
async function readTimeline(
  connection: Connection,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    const [row] = await connection.query<{ timeline: string }>(TIMELINE, [], timeoutMs);
    return row?.timeline;
  } catch (error) {
    if (connection.isLost || sqlState(error) === undefined) throw error;
    return undefined;
  }
}

/** @throws StoreSchemaError */
export function refuseUnknownSchema(
  state: { readonly schema: number; readonly importing: string | null } | undefined,
  { name }: PostgresSettings,
): void {
  if (state === undefined)
    throw new StoreSchemaError(name, "has a schema machineid without its state");
  if (state.schema > SCHEMA.length) {
    throw new StoreSchemaError(
      name,
      `has schema ${state.schema}, and this version knows schemas up to ${SCHEMA.length}; ` +
        "run the newer version that wrote it",
    );
  }
  if (state.importing !== null) {
    throw new StoreSchemaError(
      name,
      "is half filled with the store of a file; run machineid migrate again to finish that",
    );
  }
}
