import { CHANGES_KEPT } from "../changes.ts";
import type { ComposedEntries } from "./audit-chains.ts";
import type { ChangeSet } from "./group-ledger.ts";
import { changeRow, deviceRow, keyRow, orgRow, signingKeyRow } from "./rows.ts";

/** The channel on which replicas hear of each other's changes. */
export const CHANNEL = "machineid";

/**
 * Commits a change: the whole of it, or nothing when another was committed since
 * it was decided. `taken` waits for the one row that every change locks, and
 * looks at its revision only then; the lock is held until the commit, so that the
 * order of versions is that of commits. It is one statement, a transaction of its
 * own: no lock ever waits for what a replica does next.
 *
 * All its parts see what was committed before it began. That is what the change
 * was decided on, or `taken` is empty and they do nothing.
 */
export const applyStatement = {
  name: "machineid_apply",
  text: `
    WITH taken AS (
      UPDATE machineid.state SET version = $2, revision = revision + 1,
        ttl_ms = $11, wait_ms = $12, terms_version = $13
      WHERE revision = $1 AND importing IS NULL
      RETURNING version
    ), logged AS (
      INSERT INTO machineid.changes
      SELECT n.* FROM taken, json_populate_recordset(NULL::machineid.changes, $3) AS n
    ), cut AS (
      DELETE FROM machineid.changes c USING taken t WHERE c.version <= t.version - ${CHANGES_KEPT}
    ), orgs AS (
      INSERT INTO machineid.orgs
      SELECT n.* FROM taken, json_populate_recordset(NULL::machineid.orgs, $4) AS n
      ON CONFLICT (id) DO UPDATE SET plan_tier = excluded.plan_tier,
        device_limit = excluded.device_limit, plan_state = excluded.plan_state,
        access_until = excluded.access_until, disabled = excluded.disabled,
        disabled_version = excluded.disabled_version,
        two_person_restore = excluded.two_person_restore,
        restore_requested_by = excluded.restore_requested_by,
        restore_requested_at = excluded.restore_requested_at,
        devices_used = excluded.devices_used
    ), keys AS (
      INSERT INTO machineid.keys
      SELECT n.* FROM taken, json_populate_recordset(NULL::machineid.keys, $5) AS n
      ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at,
        revoked_at = excluded.revoked_at, replaced_by = excluded.replaced_by
    ), signing AS (
      INSERT INTO machineid.signing_keys
      SELECT n.* FROM taken, json_populate_recordset(NULL::machineid.signing_keys, $10) AS n
      ON CONFLICT (kid) DO UPDATE SET
        private_key = excluded.private_key, published_until = excluded.published_until
    ), devices AS (
      INSERT INTO machineid.devices AS d
      SELECT n.* FROM taken, json_populate_recordset(NULL::machineid.devices, $6) AS n
      ON CONFLICT (org_id, device_id) DO UPDATE SET id = excluded.id,
        owner = excluded.owner, created_at = excluded.created_at,
        revoked_at = excluded.revoked_at, version = excluded.version,
        restore_requested_by = excluded.restore_requested_by,
        restore_requested_at = excluded.restore_requested_at,
        last_seen_at = CASE WHEN d.id = excluded.id THEN d.last_seen_at END
    ), removed AS (
      DELETE FROM machineid.devices d
      USING taken, json_to_recordset($7) AS n (org_id text, device_id text)
      WHERE d.org_id = n.org_id AND d.device_id = n.device_id
    ), audited AS (
      INSERT INTO machineid.audit (chain_id, seq, entry)
      SELECT n.* FROM taken, json_to_recordset($8) AS n (chain_id bigint, seq bigint, entry text)
    ), grown AS (
      UPDATE machineid.audit_chains c SET seq = n.seq, head = n.head
      FROM taken, json_to_recordset($9) AS n (id bigint, seq bigint, head text)
      WHERE c.id = n.id
    ), announced AS (
      SELECT pg_notify('${CHANNEL}', version::text) FROM taken
    )
    SELECT EXISTS (SELECT FROM taken) AS taken, (SELECT count(*) FROM announced) AS announced`,
};

/** What {@link applyStatement} is given. */
export function applyValues(change: ChangeSet, composed: ComposedEntries): unknown[] {
  const { rows: audited, ends } = composed;
  const rows = [
    change.changes.map(changeRow),
    change.orgs.map(orgRow),
    change.keys.map(keyRow),
    change.devices.map(deviceRow),
    change.removed.map(({ orgId, deviceId }) => ({ org_id: orgId, device_id: deviceId })),
    audited.map(({ chainId, seq, entry }) => ({ chain_id: chainId, seq, entry })),
    ends.map(({ id, seq, head }) => ({ id, seq, head })),
    change.signingKeys.map(signingKeyRow),
  ];
  const { ttlMs, waitMs, version: termsVersion } = change.terms;
  const texts = rows.map((each) => JSON.stringify(each));
  return [change.from, change.version, ...texts, ttlMs, waitMs, termsVersion];
}
