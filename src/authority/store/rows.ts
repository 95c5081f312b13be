import * as z from "zod/mini";
import { PLAN_STATES, PLAN_TIERS } from "../../wire/index.ts";
import type { Change } from "./changes.ts";
import type { DeviceRecord, KeyRecord, OrgRecord } from "./records.ts";
import type { AuditChain, AuditRow } from "./store.ts";

/**
 * How records lie in tables, in every store. Reading checks every row: it may
 * have been edited by hand.
 */

const instant = z.int();

const orgRow = z.object({
  id: z.string(),
  name: z.string(),
  created_at: instant,
  plan_tier: z.enum(PLAN_TIERS),
  device_limit: z.nullable(z.int()),
  plan_state: z.enum(PLAN_STATES),
  access_until: z.nullable(instant),
  disabled: z.int(),
});

export function orgFromRow(row: unknown): OrgRecord {
  const org = orgRow.parse(row);
  return {
    id: org.id,
    name: org.name,
    createdAt: org.created_at,
    planTier: org.plan_tier,
    limit: org.device_limit,
    planState: org.plan_state,
    accessUntil: org.access_until,
    disabled: org.disabled !== 0,
  };
}

const keyRow = z.object({
  id: z.string(),
  hash: z.string(),
  role: z.enum(["admin", "owner"]),
  org_id: z.nullable(z.string()),
  last_four: z.string(),
  created_at: instant,
});

export function keyFromRow(row: unknown): KeyRecord {
  const { id, hash, role, org_id, last_four, created_at } = keyRow.parse(row);
  return { id, hash, role, orgId: org_id, lastFour: last_four, createdAt: created_at };
}

const deviceRow = z.object({
  device_id: z.string(),
  created_at: instant,
  last_seen_at: z.nullable(instant),
  revoked_at: z.nullable(instant),
  version: z.int(),
});

export function deviceFromRow(row: unknown): DeviceRecord {
  const { device_id, created_at, last_seen_at, revoked_at, version } = deviceRow.parse(row);
  return {
    deviceId: device_id,
    createdAt: created_at,
    lastSeenAt: last_seen_at,
    revokedAt: revoked_at,
    version,
  };
}

const chainRow = z.object({
  id: z.int(),
  org_id: z.string(),
  writer: z.string(),
  seq: z.int(),
  head: z.string(),
});

export function chainFromRow(row: unknown): AuditChain {
  const { id, org_id, writer, seq, head } = chainRow.parse(row);
  return { id, orgId: org_id, writer, seq, head };
}

const auditRow = z.object({ seq: z.int(), entry: z.string() });

export const auditFromRow = (row: unknown): AuditRow => auditRow.parse(row);

const changeRow = z.object({
  version: z.int(),
  at: instant,
  org_id: z.string(),
  operation: z.string(),
  /** JSON. */
  device_ids: z.string(),
});
const deviceIds = z.array(z.string());

export function changeFromRow(row: unknown): Change {
  const { version, at, org_id, operation, device_ids } = changeRow.parse(row);
  const named = deviceIds.parse(JSON.parse(device_ids));
  return { version, at, orgId: org_id, operation, deviceIds: named };
}
