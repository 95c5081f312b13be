import * as z from "zod/mini";
import { KEY_ROLES, PLAN_STATES, PLAN_TIERS } from "../../wire/index.ts";
import type { AuditChain, AuditRow } from "./audit-store.ts";
import type { Change } from "./changes.ts";
import type { LeaseTerms } from "./lease-store.ts";
import type {
  DeviceRecord,
  KeyRecord,
  OrgRecord,
  RestoreRequest,
  SigningKeyRecord,
} from "./records.ts";

/**
 * How records lie in tables, in every store. Reading checks every row: it may
 * have been edited by hand.
 */

const instant = z.int();

/** Who asked for a restore that needs two, of an org or a device. */
const requestColumns = {
  restore_requested_by: z.nullable(z.string()),
  restore_requested_at: z.nullable(instant),
};

function requestFrom(row: {
  readonly restore_requested_by: string | null;
  readonly restore_requested_at: number | null;
}): RestoreRequest | null {
  const { restore_requested_by: by, restore_requested_at: at } = row;
  return by === null || at === null ? null : { by, at };
}

const orgRow = z.object({
  id: z.string(),
  name: z.string(),
  created_at: instant,
  plan_tier: z.enum(PLAN_TIERS),
  device_limit: z.nullable(z.int()),
  plan_state: z.enum(PLAN_STATES),
  access_until: z.nullable(instant),
  disabled: z.int(),
  disabled_version: z.int(),
  two_person_restore: z.int(),
  ...requestColumns,
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
    disabledVersion: org.disabled_version,
    twoPersonRestore: org.two_person_restore !== 0,
    restoreRequest: requestFrom(org),
  };
}

const keyRow = z.object({
  id: z.string(),
  hash: z.string(),
  role: z.enum(["admin", ...KEY_ROLES]),
  org_id: z.nullable(z.string()),
  last_four: z.string(),
  created_at: instant,
  name: z.nullable(z.string()),
  device_pattern: z.nullable(z.string()),
  device_owner: z.nullable(z.string()),
  expires_at: z.nullable(instant),
  revoked_at: z.nullable(instant),
  replaced_by: z.nullable(z.string()),
});

export function keyFromRow(row: unknown): KeyRecord {
  const key = keyRow.parse(row);
  return {
    id: key.id,
    hash: key.hash,
    role: key.role,
    orgId: key.org_id,
    lastFour: key.last_four,
    createdAt: key.created_at,
    name: key.name,
    devicePattern: key.device_pattern,
    deviceOwner: key.device_owner,
    expiresAt: key.expires_at,
    revokedAt: key.revoked_at,
    replacedBy: key.replaced_by,
  };
}

const deviceRow = z.object({
  id: z.int(),
  device_id: z.string(),
  owner: z.nullable(z.string()),
  created_at: instant,
  last_seen_at: z.nullable(instant),
  revoked_at: z.nullable(instant),
  version: z.int(),
  ...requestColumns,
});

export function deviceFromRow(row: unknown): DeviceRecord {
  const device = deviceRow.parse(row);
  return {
    deviceId: device.device_id,
    id: device.id,
    owner: device.owner,
    createdAt: device.created_at,
    lastSeenAt: device.last_seen_at,
    revokedAt: device.revoked_at,
    version: device.version,
    restoreRequest: requestFrom(device),
  };
}

const chainRow = z.object({
  id: z.int(),
  org_id: z.string(),
  writer: z.string(),
  seq: z.int(),
  head: z.string(),
  cut: z.int(),
  checkpoint: z.nullable(z.string()),
});

export function chainFromRow(row: unknown): AuditChain {
  const { id, org_id, writer, cut, checkpoint, seq, head } = chainRow.parse(row);
  return { id, orgId: org_id, writer, cut, checkpoint, seq, head };
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
  request_id: z.nullable(z.string()),
});
const deviceIds = z.array(z.string());

export function changeFromRow(row: unknown): Change {
  const { version, at, org_id, operation, device_ids, request_id } = changeRow.parse(row);
  const named = deviceIds.parse(JSON.parse(device_ids));
  return { version, at, orgId: org_id, operation, deviceIds: named, requestId: request_id };
}

/** The terms of leases, in the row of what there is one of. */
export const termsColumns = { ttl_ms: z.int(), wait_ms: z.int(), terms_version: z.int() };

export function termsFrom(row: {
  readonly ttl_ms: number;
  readonly wait_ms: number;
  readonly terms_version: number;
}): LeaseTerms {
  return { ttlMs: row.ttl_ms, waitMs: row.wait_ms, version: row.terms_version };
}

const replicaRow = z.object({ id: z.string(), state: z.enum(["in", "out"]) });
export type StoredReplica = z.infer<typeof replicaRow>;

export const replicaFromRow = (row: unknown): StoredReplica => replicaRow.parse(row);

const signingKeyRow = z.object({
  kid: z.string(),
  public_key: z.string(),
  private_key: z.nullable(z.string()),
  created_at: instant,
  signs_from: instant,
  published_until: z.nullable(instant),
});

export function signingKeyFromRow(row: unknown): SigningKeyRecord {
  const key = signingKeyRow.parse(row);
  return {
    kid: key.kid,
    publicKey: key.public_key,
    privateKey: key.private_key,
    createdAt: key.created_at,
    signsFrom: key.signs_from,
    publishedUntil: key.published_until,
  };
}
