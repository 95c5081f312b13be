import * as z from "zod";
import type { CallOptions, GuardClient } from "../../src/index.ts";
import { meaningOf, ToolFailure } from "./failure.ts";

type Operation = Parameters<GuardClient["request"]>[0];

/** Codes reach a conversation: only plain tokens pass. */
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

const failedAnswer = z.union([
  z.object({ code: z.string().regex(CODE) }),
  // Older servers answer a full plan so, with 200.
  z
    .object({ status: z.literal("limit_reached") })
    .transform(() => ({ code: "DEVICE_LIMIT_REACHED" })),
]);

/**
 * Performs an operation, and takes its answer for done only when it is a 2xx of
 * the expected form.
 *
 * @throws {@link ToolFailure} for any other answer
 */
export async function perform<Schema extends z.ZodType>(
  client: GuardClient,
  operation: Operation,
  done: Schema,
  body: Readonly<Record<string, unknown>> | undefined,
  options: CallOptions,
): Promise<z.output<Schema>> {
  const answer = await client.request(operation, body, options);
  const { status, requestId } = answer;
  const isSuccess = status >= 200 && status < 300;
  const parsed = done.safeParse(answer.body);
  if (isSuccess && parsed.success) return parsed.data;
  const failed = failedAnswer.safeParse(answer.body);
  const code = failed.success ? failed.data.code : outageCode(status);
  const request = requestId === undefined ? "" : `, request ${requestId}`;
  throw new ToolFailure(code, `${meaningOf(code)} (status ${status}${request})`);
}

function outageCode(status: number): string {
  return status >= 500 ? "AUTHORITY_ERROR" : "AUTHORITY_MALFORMED";
}

/** An instant as authorities write them; what is none is no instant, and no words either. */
const INSTANT = /^[\d\-T:.Z+ ]{1,40}$/;

const instant = z
  .string()
  .nullish()
  .transform((value) =>
    value !== undefined && value !== null && INSTANT.test(value) ? value : null,
  );

/** A device as the authority lists it. */
const listedDevice = z
  .object({
    deviceId: z.string(),
    revoked: z.boolean().optional(),
    status: z.string().optional(),
    createdAt: instant,
    lastSeenAt: instant,
    revokedAt: instant,
  })
  .refine(({ revoked, status }) => revoked !== undefined || status !== undefined)
  .transform(({ deviceId, revoked, status, createdAt, lastSeenAt, revokedAt }) => ({
    deviceId,
    revoked: revoked ?? status === "revoked",
    registeredAt: createdAt,
    lastCheckAt: lastSeenAt,
    revokedAt,
  }));

/** A device as the tools show it. */
export const deviceShape = {
  deviceId: z.string(),
  revoked: z.boolean().describe("A revoked device is denied at its next check"),
  registeredAt: z.string().nullable().describe("ISO 8601 instant"),
  lastCheckAt: z.string().nullable().describe("ISO 8601 instant of its last check, if any"),
  revokedAt: z.string().nullable().describe("ISO 8601 instant"),
};

export type ListedDevice = z.output<typeof listedDevice>;

const listAnswer = z.object({ status: z.literal("ok"), devices: z.array(listedDevice) });

/** All devices of the org. */
export async function listDevices(
  client: GuardClient,
  options: CallOptions,
): Promise<readonly ListedDevice[]> {
  return (await perform(client, "listDevices", listAnswer, undefined, options)).devices;
}

/** A plan's words: too short, and of too few characters, to be a sentence or a key. */
const planWord = z.string().regex(/^[a-z_]{1,20}$/);

/** The plan as the tools show it. */
export const usageShape = {
  planTier: z.string(),
  planState: z.string().describe("Only active lets devices work"),
  accessUntil: z.string().nullable().describe("ISO 8601 instant at which the plan ends, if any"),
  limit: z.number().nullable().describe("How many devices may be in use; null is without a cap"),
  devicesUsed: z.number(),
};

const usageAnswer = z
  .object({
    status: z.literal("ok"),
    ...usageShape,
    planTier: planWord,
    planState: planWord,
    accessUntil: instant,
  })
  .transform(({ status: _status, ...usage }) => usage);

export type Usage = z.output<typeof usageAnswer>;

/** The org's plan, and how much of it is in use. */
export function readUsage(client: GuardClient, options: CallOptions): Promise<Usage> {
  return perform(client, "usage", usageAnswer, undefined, options);
}
