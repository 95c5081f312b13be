import * as z from "zod/mini";
import { readDeviceId } from "./device-id.ts";
import { MAX_BATCH_SIZE } from "./routes.ts";
import { PLAN_STATES } from "./plan.ts";

/** A device id, trimmed; {@link readDeviceId} says what is one. */
export const deviceIdSchema = z.pipe(
  z.string().check((context) => {
    const { problem } = readDeviceId(context.value);
    if (problem === undefined) return;
    context.issues.push({ code: "custom", input: context.value, message: problem });
  }),
  z.transform((value) => value.trim()),
);

/** Body of register, revoke, unrevoke and remove. */
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

/** Body of revoke_batch and unrevoke_batch. */
export const batchRequestSchema = z.looseObject({
  deviceIds: z
    .array(deviceIdSchema)
    .check(z.minLength(1, "must not be empty"), z.maxLength(MAX_BATCH_SIZE)),
});

/** A plan tier by name, or a number: a custom cap. */
export const planSchema = z.union([
  z.enum(["free", "pro", "scale", "max", "unlimited"]),
  z.int().check(z.minimum(0), z.maximum(1_000_000)),
]);
export type Plan = z.infer<typeof planSchema>;

const orgNameSchema = z.string().check(z.trim(), z.minLength(1), z.maxLength(100));

/** Body of org/create; `plan` defaults to `unlimited`. */
export const createOrgRequestSchema = z.looseObject({
  name: z.exactOptional(orgNameSchema),
  plan: z.exactOptional(planSchema),
});

/** Body of org/plan: what is named is changed, at once. */
export const setOrgPlanRequestSchema = z.looseObject({
  orgId: z.string().check(z.minLength(1), z.maxLength(100)),
  plan: z.exactOptional(planSchema),
  planState: z.exactOptional(z.enum(PLAN_STATES)),
  accessUntil: z.exactOptional(z.nullable(z.iso.datetime({ offset: true }))),
});
