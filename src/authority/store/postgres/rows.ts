import type { Change } from "../changes.ts";
import type { DeviceFact, KeyFact, OrgFact, SigningKeyFact } from "./facts.ts";

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
  disabled_version: org.disabledVersion,
  two_person_restore: Number(org.twoPersonRestore),
  restore_requested_by: org.restoreRequest?.by ?? null,
  restore_requested_at: org.restoreRequest?.at ?? null,
  devices_used: devicesUsed,
});

export const keyRow = ({ key, place }: KeyFact): object => ({
  id: key.id,
  hash: key.hash,
  role: key.role,
  org_id: key.orgId,
  place,
  last_four: key.lastFour,
  created_at: key.createdAt,
  name: key.name,
  device_pattern: key.devicePattern,
  device_owner: key.deviceOwner,
  expires_at: key.expiresAt,
  revoked_at: key.revokedAt,
  replaced_by: key.replacedBy,
});

export const signingKeyRow = ({ key, place }: SigningKeyFact): object => ({
  kid: key.kid,
  place,
  public_key: key.publicKey,
  private_key: key.privateKey,
  created_at: key.createdAt,
  signs_from: key.signsFrom,
  published_until: key.publishedUntil,
});

export const deviceRow = ({ orgId, record }: DeviceFact): object => ({
  org_id: orgId,
  device_id: record.deviceId,
  id: record.id,
  owner: record.owner,
  created_at: record.createdAt,
  last_seen_at: record.lastSeenAt,
  revoked_at: record.revokedAt,
  version: record.version,
  restore_requested_by: record.restoreRequest?.by ?? null,
  restore_requested_at: record.restoreRequest?.at ?? null,
});

export const changeRow = (change: Change): object => ({
  version: change.version,
  at: change.at,
  org_id: change.orgId,
  operation: change.operation,
  device_ids: JSON.stringify(change.deviceIds),
  request_id: change.requestId,
});
