import * as z from "zod/mini";
import { planFields } from "./plan.ts";
import { stopProgressSchema } from "./stops.ts";

/**
 * Answers of the API. Every schema keeps fields it does not know, since an
 * authority may add some, and is strict about those a program decides on.
 */

/** Every failure has this shape, and always `allowed: false`, so that the most careless client stops. */
export const failureAnswerSchema = z.looseObject({
  status: z.literal("error"),
  error: z.string(),
  code: z.string(),
  message: z.string(),
  allowed: z.literal(false),
  request_id: z.string(),
});
export type FailureAnswer = z.infer<typeof failureAnswerSchema>;

/** A decision. `code` is an open string; decide on `allowed === true` alone. */
export const validateAnswerSchema = z.looseObject({
  allowed: z.boolean(),
  code: z.string(),
  request_id: z.string(),
  /** Kept for old clients; decide nothing on it. */
  status: z.exactOptional(z.string()),
  /** Kept for old clients; decide nothing on it. */
  reason: z.exactOptional(z.string()),
  handler: z.exactOptional(z.string()),
  deviceId: z.exactOptional(z.string()),
  /** Version of the change log this was read at; it only grows. Sent by a self-hosted authority. */
  version: z.exactOptional(z.int()),
  /** Milliseconds, counted from the sending of the request, for which an allow may be used. */
  valid_ms: z.exactOptional(z.number().check(z.nonnegative())),
  /** The decision as a compact JWS, when the request had a nonce. */
  receipt: z.exactOptional(z.string()),
});
export type ValidateAnswer = z.infer<typeof validateAnswerSchema>;

/** The device is registered when, and only when, `status` is `ok` or `exists`. */
export const registerAnswerSchema = z.looseObject({
  status: z.enum(["ok", "exists"]),
  handler: z.string(),
  deviceId: z.string(),
  ...planFields,
  request_id: z.string(),
});
export type RegisterAnswer = z.infer<typeof registerAnswerSchema>;

/** A registration refused: the device is revoked, or the cap is reached. */
export const registerBlockedAnswerSchema = z.looseObject({
  status: z.enum(["blocked", "limit_reached"]),
  error: z.exactOptional(z.string()),
  code: z.exactOptional(z.string()),
  allowed: z.exactOptional(z.literal(false)),
  request_id: z.exactOptional(z.string()),
});
export type RegisterBlockedAnswer = z.infer<typeof registerBlockedAnswerSchema>;

export const deviceSchema = z.looseObject({
  deviceId: z.string(),
  status: z.enum(["active", "revoked"]),
  revoked: z.boolean(),
  /** ISO 8601 instants. */
  createdAt: z.string(),
  lastSeenAt: z.nullable(z.string()),
  revokedAt: z.nullable(z.string()),
});
export type Device = z.infer<typeof deviceSchema>;

export const listDevicesAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  devices: z.array(
    z.looseObject({
      ...deviceSchema.shape,
      /** On pages, as the three below: version of the change that made the device what it is. */
      version: z.exactOptional(z.int()),
      /** Under whom it is registered, or null. */
      owner: z.exactOptional(z.nullable(z.string())),
      /** Id of the key that asked for its restore, while a second one has to confirm it. */
      restoreRequestedBy: z.exactOptional(z.nullable(z.string())),
    }),
  ),
  /** On pages: where the next page begins; null on the last. */
  cursor: z.exactOptional(z.nullable(z.string())),
  /** On pages: version of the change log that was read. */
  version: z.exactOptional(z.int()),
  request_id: z.string(),
});
export type ListDevicesAnswer = z.infer<typeof listDevicesAnswerSchema>;

/**
 * Answer of revoke, unrevoke and remove; `changed` is false when it was so
 * before. `pending`: nothing is restored until another key asks for it, too.
 */
export const deviceChangeAnswerSchema = z.looseObject({
  status: z.enum(["ok", "pending"]),
  handler: z.string(),
  deviceId: z.string(),
  changed: z.exactOptional(z.boolean()),
  version: z.exactOptional(z.int()),
  /** Of a revoke that was to wait. */
  stop: z.exactOptional(stopProgressSchema),
  request_id: z.string(),
});
export type DeviceChangeAnswer = z.infer<typeof deviceChangeAnswerSchema>;

/** Answer of revoke_batch and unrevoke_batch: one result per id, in the order asked. */
export const batchAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  results: z.array(
    z.looseObject({
      deviceId: z.string(),
      /** `pending`: its restore waits for a second key. */
      status: z.enum(["ok", "not_found", "pending"]),
      /** In a dry run: whether it would be. */
      changed: z.boolean(),
    }),
  ),
  version: z.exactOptional(z.int()),
  /** Nothing was changed: it was asked what would be. */
  dry_run: z.exactOptional(z.literal(true)),
  /** Of a pattern: devices that it covers, of which `results` names the first. */
  matched: z.exactOptional(z.int()),
  /** Of a pattern: how many of them were changed, or would be. */
  changed: z.exactOptional(z.int()),
  /** Of a revoke_batch that was to wait. */
  stop: z.exactOptional(stopProgressSchema),
  request_id: z.string(),
});
export type BatchAnswer = z.infer<typeof batchAnswerSchema>;

export const usageAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  ...planFields,
  request_id: z.string(),
});
export type UsageAnswer = z.infer<typeof usageAnswerSchema>;

export const createOrgAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  orgApiKey: z.string(),
  handler: z.string(),
  orgId: z.exactOptional(z.string()),
  request_id: z.string(),
});

/** An org as its authority's administrator sees it. */
export const orgSchema = z.looseObject({
  orgId: z.string(),
  name: z.string(),
  createdAt: z.string(),
  ...planFields,
});
export type Org = z.infer<typeof orgSchema>;

export const listOrgsAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  orgs: z.array(orgSchema),
  request_id: z.string(),
});

export const setOrgPlanAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  org: orgSchema,
  request_id: z.string(),
});

/** Answer of org, and of stop, resume and policy, which add whether they changed anything. */
export const orgStateAnswerSchema = z.looseObject({
  /** `pending`: nothing is resumed until another key asks for it, too. */
  status: z.enum(["ok", "pending"]),
  handler: z.string(),
  orgId: z.string(),
  /** Every device of the org is denied. */
  stopped: z.boolean(),
  twoPersonRestore: z.boolean(),
  /** Id of the key that asked to resume, while a second one has to confirm it. */
  resumeRequestedBy: z.nullable(z.string()),
  changed: z.exactOptional(z.boolean()),
  /** Of a change: its version, or the version that made it so before. Else the version that was read. */
  version: z.int(),
  /** Of a stop that was to wait. */
  stop: z.exactOptional(stopProgressSchema),
  request_id: z.string(),
});
export type OrgStateAnswer = z.infer<typeof orgStateAnswerSchema>;

/** A key as it is listed: never the key itself. */
export const keySchema = z.looseObject({
  keyId: z.string(),
  role: z.string(),
  /** What it begins with, for example `agt_`. */
  prefix: z.string(),
  /** Its last four characters. */
  lastFour: z.string(),
  name: z.nullable(z.string()),
  devicePattern: z.nullable(z.string()),
  deviceOwner: z.nullable(z.string()),
  /** ISO 8601 instants. */
  createdAt: z.string(),
  expiresAt: z.nullable(z.string()),
  revokedAt: z.nullable(z.string()),
  /** Id of the key that it was rotated to. */
  replacedBy: z.nullable(z.string()),
});
export type Key = z.infer<typeof keySchema>;

/** Answer of keys/create and keys/rotate: `secret` is the new key, shown this once. */
/** Answer of authority/rotate_admin_key. */
export const newAdminKeyAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  /** The new key, shown this once. */
  secret: z.string(),
  keyId: z.string(),
  /** ISO 8601 instant until which the old key works. */
  oldExpiresAt: z.string(),
  version: z.int(),
  request_id: z.string(),
});

export const newKeyAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  secret: z.string(),
  key: keySchema,
  version: z.int(),
  request_id: z.string(),
});
export type NewKeyAnswer = z.infer<typeof newKeyAnswerSchema>;

/** Answer of keys/revoke; `changed` is false when it was revoked before. */
export const keyChangeAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  key: keySchema,
  changed: z.boolean(),
  version: z.int(),
  request_id: z.string(),
});
export type KeyChangeAnswer = z.infer<typeof keyChangeAnswerSchema>;

export const listKeysAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  keys: z.array(keySchema),
  request_id: z.string(),
});
export type ListKeysAnswer = z.infer<typeof listKeysAnswerSchema>;

/** Answer of healthz and readyz. */
export const healthAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  request_id: z.string(),
});

/** What an authority is and can do. The hosted service answers 404 here. */
export const metaAnswerSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  features: z.array(z.string()),
  /** With the feature `lease`: for how long one is good, in milliseconds. */
  lease: z.exactOptional(z.looseObject({ ttl_ms: z.number() })),
});
export type MetaAnswer = z.infer<typeof metaAnswerSchema>;
