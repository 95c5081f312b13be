import type { ChangesRead } from "../changes.ts";
import { auditFromRow, chainFromRow, changeFromRow } from "../rows.ts";
import type { AuditChain, AuditRow } from "../store.ts";
import type { Connection } from "./connection.ts";

/** Reads of the audit and of the change log. */

const ORG_IDS = { name: "machineid_org_ids", text: "SELECT id FROM machineid.orgs ORDER BY place" };
const CHAINS = {
  name: "machineid_chains",
  text: "SELECT * FROM machineid.audit_chains ORDER BY id",
};
const ROWS = {
  name: "machineid_audit_rows",
  text: `SELECT seq, entry FROM machineid.audit
    WHERE chain_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
};
const CHANGES = {
  name: "machineid_changes",
  text: `SELECT s.version AS newest, c.* FROM machineid.state s
    LEFT JOIN LATERAL (
      SELECT * FROM machineid.changes WHERE version > $1 ORDER BY version LIMIT $2
    ) c ON true ORDER BY c.version`,
};

export async function readOrgIds(connection: Connection, timeoutMs: number): Promise<string[]> {
  const rows = await connection.query<{ id: string }>(ORG_IDS, [], timeoutMs);
  return rows.map(({ id }) => id);
}

export async function readChains(connection: Connection, timeoutMs: number): Promise<AuditChain[]> {
  return (await connection.query(CHAINS, [], timeoutMs)).map(chainFromRow);
}

export async function readRows(
  connection: Connection,
  chainId: number,
  afterSeq: number,
  limit: number,
  timeoutMs: number,
): Promise<AuditRow[]> {
  const rows = await connection.query(ROWS, [chainId, afterSeq, limit], timeoutMs);
  return rows.map(auditFromRow);
}

export async function readChanges(
  connection: Connection,
  afterVersion: number,
  limit: number,
  timeoutMs: number,
): Promise<ChangesRead> {
  const rows = await connection.query<{ newest: number; version: number | null }>(
    CHANGES,
    [afterVersion, limit],
    timeoutMs,
  );
  return {
    version: rows[0]?.newest ?? 0,
    changes: rows.filter(({ version }) => version !== null).map(changeFromRow),
  };
}
