import { isUtf8 } from "node:buffer";
import type * as z from "zod/mini";
import { deviceRequestSchema, validateRequestSchema } from "../../wire/index.ts";
import { Failure } from "../failure.ts";

/** Device ids that are plainly valid: visible ASCII, so there is nothing to trim or to refuse. */
const PLAIN_DEVICE_ID = /^[!-~]{1,256}$/;

/**
 * Reads a body as JSON. Bytes that are no UTF-8 are refused, since replacing
 * them would make one device id out of two.
 *
 * @throws Failure REQUEST_MALFORMED
 */
export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw new Failure("REQUEST_MALFORMED", "The body is not UTF-8.");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new Failure("REQUEST_MALFORMED", "The body is not JSON.");
  }
}

/**
 * Reads a body's fields.
 *
 * @throws Failure DEVICE_ID_INVALID when a device id is at fault, else REQUEST_MALFORMED
 */
export function parseBody<Schema extends z.ZodMiniType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path ?? [];
  const field = path.join(".");
  const problem = issue?.message ?? "Invalid input";
  if (path[0] === "deviceId" || (path[0] === "deviceIds" && path.length > 1)) {
    throw new Failure("DEVICE_ID_INVALID", `${field}: ${problem}`);
  }
  const subject = field === "" ? "The body" : field;
  throw new Failure("REQUEST_MALFORMED", `${subject}: ${problem}`);
}

/**
 * Reads the device id of a body. What is plainly valid passes without the schema,
 * which would say the same and take longer.
 *
 * @throws Failure DEVICE_ID_INVALID or REQUEST_MALFORMED
 */
export function parseDeviceId(body: unknown): string {
  if (typeof body === "object" && body !== null && "deviceId" in body) {
    const { deviceId } = body;
    if (typeof deviceId === "string" && PLAIN_DEVICE_ID.test(deviceId)) return deviceId;
  }
  return parseBody(deviceRequestSchema, body).deviceId;
}

/** What `validate` is asked: about which device, and the nonce of the receipt, if one is wanted. */
export interface ValidateRequest {
  readonly deviceId: string;
  readonly nonce?: string;
}

/**
 * Reads the body of `validate`, as quickly as {@link parseDeviceId} where there is
 * no nonce.
 *
 * @throws Failure DEVICE_ID_INVALID or REQUEST_MALFORMED
 */
export function parseValidate(body: unknown): ValidateRequest {
  const hasNonce = typeof body === "object" && body !== null && "nonce" in body;
  return hasNonce ? parseBody(validateRequestSchema, body) : { deviceId: parseDeviceId(body) };
}

/**
 * Reads a request's query.
 *
 * @throws Failure REQUEST_MALFORMED
 */
export function parseQuery<Schema extends z.ZodMiniType>(
  schema: Schema,
  query: unknown,
): z.output<Schema> {
  const result = schema.safeParse({ ...(query as object) });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const subject = issue?.path.join(".") || "The query";
  throw new Failure("REQUEST_MALFORMED", `${subject}: ${issue?.message ?? "Invalid input"}`);
}
