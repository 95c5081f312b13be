import * as z from "zod/mini";
import { deviceIdSchema } from "./requests.ts";
import { MAX_DEVICES_PER_MESSAGE } from "./lease-limits.ts";

/**
 * Messages of the lease channel, a WebSocket: JSON, one message per frame.
 *
 * `n` numbers the requests of a session; it only grows, over all of the session's
 * connections, and is never used twice. `version` is the authority's change log's.
 * Every time is in milliseconds, counted from the sending of the request that it
 * answers.
 */

/** Devices named in one message. */
const devicesSchema = z
  .array(deviceIdSchema)
  .check(z.minLength(1, "must not be empty"), z.maxLength(MAX_DEVICES_PER_MESSAGE));
const numberSchema = z.int().check(z.nonnegative());
const termSchema = z.number().check(z.nonnegative());

const helloSchema = z.looseObject({
  type: z.literal("hello"),
  /** One for the life of the process; it belongs to one key. */
  session: z.uuid(),
  devices: z.array(deviceIdSchema).check(z.maxLength(MAX_DEVICES_PER_MESSAGE)),
  /** The key, from a browser, which cannot set a header. */
  key: z.exactOptional(z.string()),
  /** What connects, for people. */
  client: z.exactOptional(
    z.looseObject({ name: z.string(), version: z.exactOptional(z.string()) }),
  ),
});

/** Asks for all leases of the session again. */
const renewSchema = z.looseObject({ type: z.literal("renew"), n: numberSchema });

/** Where a body began that has been stopped and goes on. */
export const runningBodySchema = z.looseObject({
  kind: z.string(),
  name: z.exactOptional(z.string()),
});
export type RunningBodyNews = z.infer<typeof runningBodySchema>;

/** For these devices nothing begins on an allow older than `version`; `drained`: and nothing runs on one. */
const ackSchema = z.looseObject({
  type: z.literal("ack"),
  version: numberSchema,
  devices: devicesSchema,
  state: z.enum(["fenced", "drained"]),
  /** Sent again with `fenced` where bodies do not heed their signal: where they began, for people. */
  running: z.exactOptional(z.array(runningBodySchema)),
});

const watchSchema = z.looseObject({ type: z.literal("watch"), devices: devicesSchema });

/** Releases what was asked for these devices under a smaller `n`. */
const unwatchSchema = z.looseObject({
  type: z.literal("unwatch"),
  n: numberSchema,
  devices: devicesSchema,
});

/** Asks for a strict decision, for every check that was waiting when this was sent. */
const checkSchema = z.looseObject({
  type: z.literal("check"),
  n: numberSchema,
  devices: devicesSchema,
});

/** What a client sends. */
export const leaseRequestSchema = z.discriminatedUnion("type", [
  helloSchema,
  renewSchema,
  ackSchema,
  watchSchema,
  unwatchSchema,
  checkSchema,
]);
export type LeaseRequest = z.infer<typeof leaseRequestSchema>;

const decisionsSchema = z.record(
  z.string(),
  z.looseObject({ allowed: z.boolean(), code: z.string(), request_id: z.string() }),
);

/** The decision per device, good for `ttl_ms` from the sending of `renew` `n`. */
const grantSchema = z.looseObject({
  type: z.literal("grant"),
  n: numberSchema,
  ttl_ms: termSchema,
  version: numberSchema,
  decisions: decisionsSchema,
});

/** Deny from now on. One message names all devices of the stop. */
const stopSchema = z.looseObject({
  type: z.literal("stop"),
  version: numberSchema,
  devices: devicesSchema,
  code: z.string(),
  /** Of the call that made the change. */
  request_id: z.exactOptional(z.string()),
  /**
   * It is obeyed at once, and acknowledged only after so long: the acknowledgements of
   * thousands would hold it up on its way to the others.
   */
  ack_after_ms: z.exactOptional(termSchema),
});

/** Restored: a hint to renew, nothing more. */
const allowSchema = z.looseObject({
  type: z.literal("allow"),
  version: numberSchema,
  devices: devicesSchema,
});

/** The answer to `check` `n`: no lease, and used once. */
const decisionSchema = z.looseObject({
  type: z.literal("decision"),
  n: numberSchema,
  version: numberSchema,
  valid_ms: termSchema,
  decisions: decisionsSchema,
});

/** What the authority sends. */
export const leaseAnswerSchema = z.discriminatedUnion("type", [
  grantSchema,
  stopSchema,
  allowSchema,
  decisionSchema,
]);
export type LeaseAnswer = z.infer<typeof leaseAnswerSchema>;
