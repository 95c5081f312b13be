import * as z from "zod/mini";
import { readDeviceId } from "./device-id.ts";
import { readDevicePattern } from "./device-pattern.ts";
import { KEY_ROLES } from "./key.ts";
import { PLAN_STATES } from "./plan.ts";
import { MAX_BATCH_SIZE, MAX_OVERLAP_MS, MAX_PAGE_SIZE, MAX_STOP_TIMEOUT_MS } from "./routes.ts";

/** A device id, trimmed; {@link readDeviceId} says what is one. */
export const deviceIdSchema = z.pipe(
  z.string().check((context) => {
    const { problem } = readDeviceId(context.value);
    if (problem === undefined) return;
    context.issues.push({ code: "custom", input: context.value, message: problem });
  }),
  z.transform((value) => value.trim()),
);

/** A device pattern, trimmed; {@link readDevicePattern} says what is one. */
const devicePatternSchema = z.pipe(
  z.string().check((context) => {
    const { problem } = readDevicePattern(context.value);
    if (problem === undefined) return;
    context.issues.push({ code: "custom", input: context.value, message: problem });
  }),
  z.transform((value) => value.trim()),
);

const CONTROL_CHARACTER = /\p{Cc}/u;

/** Words of people: trimmed, well formed, on one line. */
const textSchema = (maxLength: number) =>
  z.string().check(
    z.trim(),
    z.minLength(1),
    z.maxLength(maxLength),
    z.refine((text) => text.isWellFormed() && !CONTROL_CHARACTER.test(text), {
      message: "must be well-formed text without control characters",
    }),
  );

/** Why something was changed, for the audit. */
const reasonSchema = textSchema(500);
/** Under whom a device is registered; keys with the same label may restore it. */
const deviceOwnerSchema = textSchema(100);
/** The change log as far as the caller has seen it: what was changed later is not undone. */
const ifVersionSchema = z.int().check(z.nonnegative());
const instantSchema = z.iso.datetime({ offset: true });

/** Body of validate without a receipt. */
export const deviceRequestSchema = z.looseObject({ deviceId: deviceIdSchema });

/** What a receipt is asked for with: chosen anew by the client for every request. */
const nonceSchema = z
  .string()
  .check(z.regex(/^[!-~]{16,128}$/, "must be 16 to 128 visible ASCII characters"));

/** Body of validate; with a `nonce` the decision is answered with a receipt. */
export const validateRequestSchema = z.looseObject({
  deviceId: deviceIdSchema,
  nonce: z.exactOptional(nonceSchema),
});

/** Body of register. */
export const registerRequestSchema = z.looseObject({
  deviceId: deviceIdSchema,
  owner: z.exactOptional(deviceOwnerSchema),
});

/** How far a stop is to have come when it is answered. */
const stopWaitSchema = z.enum(["none", "fenced", "drained"]);
export type StopWait = z.infer<typeof stopWaitSchema>;

/** How long the answer to a stop waits. */
const waitingFields = {
  /** Until the stop is so far: `fenced`, nothing begins any more; `drained`, nothing runs. @default "none" */
  wait: z.exactOptional(stopWaitSchema),
  /** And no longer than this, in milliseconds. @default 15_000 */
  timeout_ms: z.exactOptional(z.int().check(z.minimum(0), z.maximum(MAX_STOP_TIMEOUT_MS))),
};

/** Body of revoke. */
export const revokeRequestSchema = z.looseObject({
  deviceId: deviceIdSchema,
  reason: z.exactOptional(reasonSchema),
  ...waitingFields,
});

/** Body of remove. */
export const changeDeviceRequestSchema = z.looseObject({
  deviceId: deviceIdSchema,
  reason: z.exactOptional(reasonSchema),
});

/** Body of unrevoke. */
export const unrevokeRequestSchema = z.looseObject({
  deviceId: deviceIdSchema,
  reason: z.exactOptional(reasonSchema),
  if_version: z.exactOptional(ifVersionSchema),
});

/** Body of revoke_batch and unrevoke_batch: ids, or a pattern. */
export const batchRequestSchema = z
  .looseObject({
    deviceIds: z.exactOptional(
      z
        .array(deviceIdSchema)
        .check(z.minLength(1, "must not be empty"), z.maxLength(MAX_BATCH_SIZE)),
    ),
    devicePattern: z.exactOptional(devicePatternSchema),
    /** Change nothing, and name what would be changed. */
    dry_run: z.exactOptional(z.boolean()),
    reason: z.exactOptional(reasonSchema),
    /** Of unrevoke_batch. */
    if_version: z.exactOptional(ifVersionSchema),
    /** Of revoke_batch, both. */
    ...waitingFields,
  })
  .check(
    z.refine(
      ({ deviceIds, devicePattern }) => (deviceIds === undefined) !== (devicePattern === undefined),
      { message: "needs deviceIds or devicePattern, and not both" },
    ),
  );

const digits = (maxLength: number) =>
  z.string().check(z.regex(/^\d+$/, "must be a whole number"), z.maxLength(maxLength));

/** Query of the list of devices. Without any of it, the answer is the whole list. */
export const listDevicesQuerySchema = z.looseObject({
  limit: z.exactOptional(
    z.pipe(
      digits(4),
      z.pipe(z.transform(Number), z.int().check(z.minimum(1), z.maximum(MAX_PAGE_SIZE))),
    ),
  ),
  /** Where the page before ended, as its answer said. */
  cursor: z.exactOptional(z.pipe(digits(15), z.transform(Number))),
  devicePattern: z.exactOptional(devicePatternSchema),
});

/** Query of stops/{version}. */
export const readStopQuerySchema = z.looseObject({
  /** Where the page before ended, as its answer said. */
  cursor: z.exactOptional(z.pipe(digits(9), z.transform(Number))),
});

/** Query of sessions. */
export const readSessionsQuerySchema = z.looseObject({
  /** Where the page before ended, as its answer said. */
  cursor: z.exactOptional(z.string().check(z.maxLength(1_024))),
});

/** Body of org/stop. */
export const stopOrgRequestSchema = z.looseObject({
  reason: z.exactOptional(reasonSchema),
  ...waitingFields,
});

/** Body of org/resume. */
export const resumeOrgRequestSchema = z.looseObject({
  reason: z.exactOptional(reasonSchema),
  if_version: z.exactOptional(ifVersionSchema),
});

/** Body of org/policy. */
export const setOrgPolicyRequestSchema = z.looseObject({
  /** Restores need two keys: one asks, another confirms. */
  twoPersonRestore: z.boolean(),
  reason: z.exactOptional(reasonSchema),
});

/** Body of keys/create. Agents need a pattern, and only theirs have one. */
export const createKeyRequestSchema = z
  .looseObject({
    role: z.enum(KEY_ROLES),
    name: z.exactOptional(textSchema(100)),
    devicePattern: z.exactOptional(devicePatternSchema),
    /** Of agents: under whom their devices are registered. Of operators: whose devices they may restore, too. */
    deviceOwner: z.exactOptional(deviceOwnerSchema),
    expiresAt: z.exactOptional(instantSchema),
    reason: z.exactOptional(reasonSchema),
  })
  .check(
    z.refine(
      ({ role, devicePattern }) => (role === "agent") === (devicePattern !== undefined),
      'needs devicePattern for the role agent ("*" is every device), and for no other',
    ),
    z.refine(
      ({ role, deviceOwner }) =>
        deviceOwner === undefined || role === "agent" || role === "operator",
      "has deviceOwner for the roles agent and operator alone",
    ),
  );

/** What the authority calls keys and orgs. */
const madeIdSchema = z
  .string()
  .check(z.regex(/^[!-~]{1,100}$/, "must be 1 to 100 visible ASCII characters"));

/** Body of keys/revoke. */
export const revokeKeyRequestSchema = z.looseObject({
  keyId: madeIdSchema,
  reason: z.exactOptional(reasonSchema),
});

/** Body of keys/rotate. */
export const rotateKeyRequestSchema = z.looseObject({
  keyId: madeIdSchema,
  /** For how long the old key works on, in milliseconds. */
  overlap_ms: z.exactOptional(z.int().check(z.minimum(0), z.maximum(MAX_OVERLAP_MS))),
  /** When the new key expires. Without it the new one lives as long as the old one was made to. */
  expiresAt: z.exactOptional(instantSchema),
  reason: z.exactOptional(reasonSchema),
});

/** Body of authority/rotate_admin_key. */
export const rotateAdminKeyRequestSchema = z.looseObject({
  /** For how long the old key works on, in milliseconds. */
  overlap_ms: z.exactOptional(z.int().check(z.minimum(0), z.maximum(MAX_OVERLAP_MS))),
  reason: z.exactOptional(reasonSchema),
});

/** A plan tier by name, or a number: a custom cap. */
export const planSchema = z.union([
  z.enum(["free", "pro", "scale", "max", "unlimited"]),
  z.int().check(z.minimum(0), z.maximum(1_000_000)),
]);
export type Plan = z.infer<typeof planSchema>;

/** The name of an org. */
export const orgNameSchema = textSchema(100);

/** Body of org/create; `plan` defaults to `unlimited`. */
export const createOrgRequestSchema = z.looseObject({
  name: z.exactOptional(orgNameSchema),
  plan: z.exactOptional(planSchema),
});

/** Body of org/plan: what is named is changed, at once. */
export const setOrgPlanRequestSchema = z.looseObject({
  orgId: madeIdSchema,
  plan: z.exactOptional(planSchema),
  planState: z.exactOptional(z.enum(PLAN_STATES)),
  accessUntil: z.exactOptional(z.nullable(instantSchema)),
  reason: z.exactOptional(reasonSchema),
});
