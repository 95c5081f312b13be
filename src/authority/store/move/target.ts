import { StoreUnavailableError } from "../errors.ts";
import { digest } from "../audit-entry.ts";
import { rowsOf } from "../audit-lines.ts";
import type { AuditChain, AuditRow } from "../audit-store.ts";
import type { Change } from "../changes.ts";
import type { LeaseTerms } from "../lease-store.ts";
import { removeUpToCut, ROW_SIZE } from "../postgres/audit-rows.ts";
import { changeRow, deviceRow, keyRow, orgRow, signingKeyRow } from "../postgres/rows.ts";
import { Connection } from "../postgres/connection.ts";
import { clientConfig } from "../postgres/client-config.ts";
import type { PostgresSettings } from "../postgres/options.ts";
import type { DeviceFact, KeyFact, OrgFact, SigningKeyFact } from "../postgres/facts.ts";
import { migrate } from "../postgres/migrate.ts";
import { LOCK_CLASS, LOCKS, prepareServer } from "../postgres/prepare.ts";
import { chainFromRow } from "../rows.ts";
import type { ChainPlace } from "../../audit/chain-verifier.ts";
import { MoveError } from "./move-error.ts";

/** A slice of a large store takes its time. */
const STATEMENT_MS = 10 * 60_000;
const ROWS_AT_ONCE = 2_000;

const statement = (name: string, text: string) => ({ name: `machineid_move_${name}`, text });

const LOCK = statement(
  "lock",
  `SELECT pg_try_advisory_lock(${LOCK_CLASS}, ${LOCKS.move}) AS locked`,
);
const BEGUN = statement(
  "begun",
  `UPDATE machineid.state SET importing = $1
   WHERE importing = $1 OR (importing IS NULL AND version = 0)
     AND NOT EXISTS (SELECT FROM machineid.keys)
     AND NOT EXISTS (SELECT FROM machineid.signing_keys) AND NOT EXISTS (SELECT FROM machineid.orgs)
   RETURNING importing`,
);
const STATE = statement("state", "SELECT imported FROM machineid.state");
const OPEN_CHAINS = statement(
  "chains",
  `WITH given AS (
     SELECT * FROM json_to_recordset($1) AS g (
       source bigint, org_id text, writer text, seq bigint, head text, cut bigint, checkpoint text)
   ), opened AS (
     INSERT INTO machineid.audit_chains AS c (org_id, writer, seq, head, cut, checkpoint)
     SELECT org_id, writer, seq, head, cut, checkpoint FROM given ORDER BY source
     ON CONFLICT (org_id, writer) DO UPDATE SET cut = excluded.cut,
       checkpoint = excluded.checkpoint, seq = greatest(c.seq, excluded.seq),
       head = CASE WHEN c.seq < excluded.seq THEN excluded.head ELSE c.head END
     RETURNING c.*
   ), ${removeUpToCut("opened")}
   SELECT o.*, g.source FROM opened o JOIN given g USING (org_id, writer)`,
);
const APPEND = statement(
  "append",
  `WITH grown AS (UPDATE machineid.audit_chains SET seq = $3, head = $4 WHERE id = $1)
   INSERT INTO machineid.audit (chain_id, seq, entry)
   SELECT $1, n.seq, n.entry FROM json_to_recordset($2) AS n (seq bigint, entry text)`,
);
const INSERTS = {
  orgs: `INSERT INTO machineid.orgs SELECT * FROM json_populate_recordset(NULL::machineid.orgs, $1)`,
  signingKeys: `INSERT INTO machineid.signing_keys
    SELECT * FROM json_populate_recordset(NULL::machineid.signing_keys, $1)`,
  keys: `INSERT INTO machineid.keys SELECT * FROM json_populate_recordset(NULL::machineid.keys, $1)`,
  devices: `INSERT INTO machineid.devices
    SELECT * FROM json_populate_recordset(NULL::machineid.devices, $1)`,
  changes: `INSERT INTO machineid.changes
    SELECT * FROM json_populate_recordset(NULL::machineid.changes, $1)`,
} as const;
const FINISH = statement(
  "finish",
  `UPDATE machineid.state SET version = $2, revision = revision + 1, importing = NULL,
     imported = $1, ttl_ms = $3, wait_ms = $4, terms_version = $5 WHERE importing = $1
   RETURNING version`,
);

/* What was given from the file may be in use: it is waited for as for a replica that was killed. */
const MOVED = statement(
  "moved",
  "INSERT INTO machineid.replicas (id, state, since) VALUES ('moved', 'in', 0)",
);

/** All of a store but its audit. */
export interface StoreContent {
  readonly version: number;
  readonly terms: LeaseTerms;
  readonly orgs: readonly OrgFact[];
  readonly keys: readonly KeyFact[];
  readonly signingKeys: readonly SigningKeyFact[];
  readonly devices: readonly DeviceFact[];
  readonly changes: readonly Change[];
}

/** A chain of the source, and what its entries begin after. */
export interface ChainStart {
  readonly chain: AuditChain;
  readonly start: ChainPlace;
}

/** A database that a store is moved to, by one process at a time. */
export class MoveTarget implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #sourceId: string;

  private constructor(connection: Connection, sourceId: string) {
    this.#connection = connection;
    this.#sourceId = sourceId;
  }

  /** @throws MoveError when it holds something else, or another process fills it */
  static async open(settings: PostgresSettings, sourceId: string): Promise<MoveTarget> {
    await migrate(settings);
    const connection = await Connection.open({
      ...clientConfig(settings),
      statement_timeout: STATEMENT_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
    });
    const target = new MoveTarget(connection, sourceId);
    try {
      await prepareServer(connection, settings);
      await target.#begin(settings);
      return target;
    } catch (error) {
      await connection.end();
      throw error;
    }
  }

  /**
   * Begins the chains that are not there, and drops what was removed from the
   * source since. Answers where each ends, by its id in the source.
   */
  async openChains(chains: readonly ChainStart[]): Promise<Map<number, AuditChain>> {
    const given = chains.map(({ chain, start }) => ({
      source: chain.id,
      org_id: chain.orgId,
      writer: chain.writer,
      ...start,
      cut: chain.cut,
      checkpoint: chain.checkpoint,
    }));
    const rows = await this.#query<{ source: number }>(OPEN_CHAINS, [JSON.stringify(given)]);
    return new Map(rows.map((row) => [row.source, chainFromRow(row)]));
  }

  /** Adds entries to the end of a chain, for good. */
  async append(chainId: number, entries: readonly AuditRow[]): Promise<void> {
    const last = entries.at(-1);
    if (last === undefined) return;
    const rows = rowsOf(
      last.seq,
      entries.map(({ entry }) => entry),
      ROW_SIZE,
    );
    const values = [chainId, JSON.stringify(rows), last.seq, digest(last.entry)];
    await this.#query(APPEND, values);
  }

  /** Writes all but the audit, and lets the database be served: all of it, or nothing. */
  async finish(content: StoreContent): Promise<void> {
    await this.#connection.run("BEGIN");
    await this.#insert("orgs", content.orgs.map(orgRow));
    await this.#insert("keys", content.keys.map(keyRow));
    await this.#insert("signingKeys", content.signingKeys.map(signingKeyRow));
    await this.#insert("devices", content.devices.map(deviceRow));
    await this.#insert("changes", content.changes.map(changeRow));
    const { ttlMs, waitMs, version } = content.terms;
    const values = [this.#sourceId, content.version, ttlMs, waitMs, version];
    const [row] = await this.#query(FINISH, values);
    if (row === undefined) throw new StoreUnavailableError("the move was ended by another process");
    await this.#query(MOVED, []);
    await this.#connection.run("COMMIT", STATEMENT_MS);
  }

  /** Whether all of this source is here. */
  async isFinished(): Promise<boolean> {
    const [row] = await this.#query<{ imported: string | null }>(STATE, []);
    return row?.imported === this.#sourceId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.end();
  }

  async #begin({ name }: PostgresSettings): Promise<void> {
    const [lock] = await this.#query<{ locked: boolean }>(LOCK, []);
    if (lock?.locked !== true) throw new MoveError(`${name} is being filled by another process`);
    if (await this.isFinished()) throw new MoveError(`this store was moved to ${name} already`);
    const [begun] = await this.#query(BEGUN, [this.#sourceId]);
    if (begun === undefined) {
      throw new MoveError(`${name} holds another authority's store; name an empty database`);
    }
  }

  async #insert(table: keyof typeof INSERTS, rows: readonly object[]): Promise<void> {
    for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
      const slice = JSON.stringify(rows.slice(first, first + ROWS_AT_ONCE));
      await this.#query(statement(table, INSERTS[table]), [slice]);
    }
  }

  #query<Row extends Record<string, unknown>>(
    of: ReturnType<typeof statement>,
    values: readonly unknown[],
  ): Promise<Row[]> {
    return this.#connection.query<Row>(of, values, STATEMENT_MS);
  }
}
