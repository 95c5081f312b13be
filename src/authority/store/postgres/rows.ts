import type { Change } from "../changes.ts";
import type { KeyRecord } from "../records.ts";
import type { DeviceFact, OrgFact } from "./facts.ts";

/** How records are written into the tables; what reads them back is in `store/rows.ts`. */

export const orgRow = ({ org, devicesUsed, place }: OrgFact): object => ({
  id: org.id,
  place,
  name: org.name,
  created_at: org.createdAt,
  plan_tier: org.planTier,
  device_limit: org.limit,
  plan_state: org.planState,
  access_until: org.accessUntil,
  disabled: Number(org.disabled),
  devices_used: devicesUsed,
});

export const keyRow = ({ id, hash, role, orgId, lastFour, createdAt }: KeyRecord): object => ({
  id,
  hash,
  role,
  org_id: orgId,
  last_four: lastFour,
  created_at: createdAt,
});

export const deviceRow = ({ orgId, place, record }: DeviceFact): object => ({
  org_id: orgId,
  device_id: record.deviceId,
  place,
  created_at: record.createdAt,
  last_seen_at: record.lastSeenAt,
  revoked_at: record.revokedAt,
  version: record.version,
});

export const changeRow = ({ version, at, orgId, operation, deviceIds }: Change): object => ({
  version,
  at,
  org_id: orgId,
  operation,
  device_ids: JSON.stringify(deviceIds),
});
