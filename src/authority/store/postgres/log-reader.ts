import { entriesIn } from "../audit-lines.ts";
import type { AuditChain, AuditCut, AuditRow, AuditSnapshot } from "../audit-store.ts";
import type { ChangesRead } from "../changes.ts";
import type { DeviceRecord } from "../records.ts";
import { auditFromRow, chainFromRow, changeFromRow, deviceFromRow, termsFrom } from "../rows.ts";
import { READ_ROWS, removeUpToCut } from "./audit-rows.ts";
import type { Connection } from "./connection.ts";

/** What is done with the audit and the change log besides writing them. */

const CHAINS = {
  name: "machineid_chains",
  text: "SELECT * FROM machineid.audit_chains WHERE seq > 0 ORDER BY id",
};
const CHAINS_OF_ORG = {
  name: "machineid_chains_of_org",
  text: "SELECT * FROM machineid.audit_chains WHERE seq > 0 AND org_id = $1 ORDER BY id",
};
/* One statement, so that all of it is of the same moment. */
const SNAPSHOT = {
  name: "machineid_snapshot",
  text: `
    SELECT 'org' AS kind, o.place AS place, o.id AS org_id, NULL AS record FROM machineid.orgs o
    UNION ALL SELECT 'device', d.id, d.org_id, to_json(d) FROM machineid.devices d
    UNION ALL SELECT 'chain', c.id, c.org_id, to_json(c) FROM machineid.audit_chains c WHERE c.seq > 0
    ORDER BY place`,
};
const CUT = {
  name: "machineid_cut",
  text: `
    WITH done AS (
      UPDATE machineid.audit_chains SET cut = $2, checkpoint = $3
      WHERE id = $1 AND cut <= $2 AND seq >= $2 RETURNING id, cut
    ), ${removeUpToCut("done")}
    SELECT`,
};
const CHANGES = {
  name: "machineid_changes",
  text: `SELECT s.version AS newest, s.ttl_ms, s.wait_ms, s.terms_version, c.* FROM machineid.state s
    LEFT JOIN LATERAL (
      SELECT * FROM machineid.changes WHERE version > $1 ORDER BY version LIMIT $2
    ) c ON true ORDER BY c.version`,
};

/** Reads all chains and all devices, as they were at one moment. */
export async function readSnapshot(
  connection: Connection,
  timeoutMs: number,
): Promise<AuditSnapshot> {
  const rows = await connection.query<{ kind: string; org_id: string; record: unknown }>(
    SNAPSHOT,
    [],
    timeoutMs,
  );
  const devices = new Map<string, DeviceRecord[]>();
  for (const { kind, org_id } of rows) if (kind === "org") devices.set(org_id, []);
  for (const { kind, org_id, record } of rows) {
    if (kind === "device") devices.get(org_id)?.push(deviceFromRow(record));
  }
  return {
    orgs: Array.from(devices, ([orgId, of]) => ({ orgId, devices: of })),
    chains: rows.filter(({ kind }) => kind === "chain").map(({ record }) => chainFromRow(record)),
  };
}

/** Puts a checkpoint in the place of a chain's oldest entries. */
export async function cutChain(
  connection: Connection,
  { chainId, seq, checkpoint }: AuditCut,
  timeoutMs: number,
): Promise<void> {
  await connection.query(CUT, [chainId, seq, checkpoint], timeoutMs);
}

/** All chains, or those of one org. */
export async function readChains(
  connection: Connection,
  orgId: string | undefined,
  timeoutMs: number,
): Promise<AuditChain[]> {
  const rows =
    orgId === undefined
      ? connection.query(CHAINS, [], timeoutMs)
      : connection.query(CHAINS_OF_ORG, [orgId], timeoutMs);
  return (await rows).map(chainFromRow);
}

export async function readRows(
  connection: Connection,
  chainId: number,
  afterSeq: number,
  limit: number,
  timeoutMs: number,
): Promise<AuditRow[]> {
  const rows = await connection.query<{ start: number }>(
    READ_ROWS,
    [chainId, afterSeq, limit],
    timeoutMs,
  );
  return entriesIn(rows.map(auditFromRow), rows[0]?.start ?? 0, afterSeq, limit);
}

export async function readChanges(
  connection: Connection,
  afterVersion: number,
  limit: number,
  timeoutMs: number,
): Promise<ChangesRead> {
  const rows = await connection.query<{
    newest: number;
    ttl_ms: number;
    wait_ms: number;
    terms_version: number;
    version: number | null;
  }>(CHANGES, [afterVersion, limit], timeoutMs);
  const [first] = rows;
  if (first === undefined) throw new Error("the store has no state");
  return {
    version: first.newest,
    terms: termsFrom(first),
    changes: rows.filter(({ version }) => version !== null).map(changeFromRow),
  };
}
