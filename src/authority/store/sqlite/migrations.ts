import type { DatabaseSync } from "node:sqlite";
import { StoreSchemaError } from "../errors.ts";

/** Marks a SQLite file as a store of ours. */
const APPLICATION_ID = 0x4d_69_44_61;

/**
 * Every schema there was, as steps. Step n brings a file from version n to
 * n + 1. A step that was released is never edited.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('version', 0), ('writer', lower(hex(randomblob(8))));

  CREATE TABLE orgs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    plan_tier TEXT NOT NULL,
    device_limit INTEGER,
    plan_state TEXT NOT NULL,
    access_until INTEGER,
    disabled INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    org_id TEXT REFERENCES orgs (id),
    last_four TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    device_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER,
    revoked_at INTEGER,
    version INTEGER NOT NULL,
    UNIQUE (org_id, device_id)
  ) STRICT;

  CREATE TABLE audit_chains (
    id INTEGER PRIMARY KEY,
    org_id TEXT NOT NULL,
    writer TEXT NOT NULL,
    seq INTEGER NOT NULL,
    head TEXT NOT NULL,
    UNIQUE (org_id, writer)
  ) STRICT;

  -- id is chain * 2^40 + seq of the last entry: a chain's entries lie together, in their order.
  CREATE TABLE audit (id INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT;
  `,
  `
  ALTER TABLE orgs ADD COLUMN disabled_version INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE orgs ADD COLUMN two_person_restore INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE orgs ADD COLUMN restore_requested_by TEXT;
  ALTER TABLE orgs ADD COLUMN restore_requested_at INTEGER;

  ALTER TABLE keys ADD COLUMN name TEXT;
  ALTER TABLE keys ADD COLUMN device_pattern TEXT;
  ALTER TABLE keys ADD COLUMN device_owner TEXT;
  ALTER TABLE keys ADD COLUMN expires_at INTEGER;
  ALTER TABLE keys ADD COLUMN revoked_at INTEGER;
  ALTER TABLE keys ADD COLUMN replaced_by TEXT;

  ALTER TABLE devices ADD COLUMN owner TEXT;
  ALTER TABLE devices ADD COLUMN restore_requested_by TEXT;
  ALTER TABLE devices ADD COLUMN restore_requested_at INTEGER;
  `,
  `
  ALTER TABLE audit_chains ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE audit_chains ADD COLUMN checkpoint TEXT;

  CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    public_key TEXT NOT NULL,
    private_key TEXT,
    created_at INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    published_until INTEGER
  ) STRICT;
  `,
  `
  CREATE TABLE changes (
    version INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    org_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    -- JSON: an array of ids.
    device_ids TEXT NOT NULL
  ) STRICT;
  `,
  `
  INSERT INTO meta VALUES ('ttl_ms', 10000), ('wait_ms', 10000), ('terms_version', 0);

  -- Processes whose allows may be in use: more than one when one was killed.
  CREATE TABLE replicas (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  -- The process before this schema entered itself nowhere, and its allows may be in use.
  INSERT INTO replicas SELECT 'earlier', 'in' FROM meta WHERE name = 'version' AND value > 0;
  `,
  `
  ALTER TABLE changes ADD COLUMN request_id TEXT;
  `,
];

const numberFrom = (database: DatabaseSync, sql: string): number =>
  Number(Object.values(database.prepare(sql).get() ?? {})[0]);

/**
 * Brings a file to a schema, within the caller's transaction.
 *
 * @param wanted its number. @default the newest
 * @throws StoreSchemaError when the file is newer than this program, or not a store at all
 */
export function migrate(database: DatabaseSync, path: string, wanted = MIGRATIONS.length): void {
  const found = numberFrom(database, "PRAGMA user_version");
  const tables = numberFrom(database, "SELECT count(*) FROM sqlite_schema");
  const owned = numberFrom(database, "PRAGMA application_id") === APPLICATION_ID;
  if (tables > 0 && !owned) {
    throw new StoreSchemaError(path, "is a SQLite database, but no authority's store");
  }
  if (found > MIGRATIONS.length) {
    throw new StoreSchemaError(
      path,
      `has schema ${found}, and this version knows schemas up to ${MIGRATIONS.length}; ` +
        "run the newer version that wrote it",
    );
  }
  if (found >= wanted) return;
  for (const migration of MIGRATIONS.slice(found, wanted)) database.exec(migration);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${wanted}`);
}
