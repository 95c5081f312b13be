import type { FailureCode } from "../wire/index.ts";

interface FailureKind {
  readonly httpStatus: number;
  /** A legacy word for old clients. */
  readonly error: string;
  readonly message: string;
}

/** Every failure an authority answers: its status, its legacy word and what it says. */
export const FAILURES: { readonly [Code in FailureCode]: FailureKind } = {
  REQUEST_MALFORMED: {
    httpStatus: 400,
    error: "malformed_request",
    message: "The request is malformed.",
  },
  DEVICE_ID_INVALID: {
    httpStatus: 400,
    error: "invalid_device_id",
    message: "A device id has 1 to 256 characters of well-formed text without control characters.",
  },
  ORG_KEY_MISSING: {
    httpStatus: 401,
    error: "missing_org_key",
    message: "Send the org key in the header x-org-key.",
  },
  ORG_KEY_INVALID: {
    httpStatus: 401,
    error: "invalid_org_key",
    message: "The org key is not known here, has expired, or was revoked.",
  },
  ADMIN_KEY_INVALID: {
    httpStatus: 401,
    error: "invalid_admin_key",
    message: "Send the administrator's key in the header x-admin-key.",
  },
  FORBIDDEN: { httpStatus: 403, error: "forbidden", message: "The key may not do this." },
  DEVICE_NOT_FOUND: {
    httpStatus: 404,
    error: "device_not_found",
    message: "The org has no such device.",
  },
  KEY_NOT_FOUND: { httpStatus: 404, error: "key_not_found", message: "The org has no such key." },
  STOP_NOT_FOUND: {
    httpStatus: 404,
    error: "stop_not_found",
    message: "The org has no stop of this version that is still known.",
  },
  ORG_NOT_FOUND: { httpStatus: 404, error: "org_not_found", message: "There is no such org." },
  ROUTE_NOT_FOUND: {
    httpStatus: 404,
    error: "route_not_found",
    message: "There is nothing at this path.",
  },
  METHOD_NOT_ALLOWED: {
    httpStatus: 405,
    error: "method_not_allowed",
    message: "The path has other methods; the header Allow names them.",
  },
  CONFLICT: {
    httpStatus: 409,
    error: "conflict",
    message: "The request contradicts what was changed meanwhile.",
  },
  BODY_TOO_LARGE: {
    httpStatus: 413,
    error: "body_too_large",
    message: "A request body has at most 64 KiB.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    httpStatus: 415,
    error: "unsupported_media_type",
    message: "Send JSON, with content-type application/json.",
  },
  HEADERS_TOO_LARGE: {
    httpStatus: 431,
    error: "headers_too_large",
    message: "The request's headers are too large.",
  },
  REQUEST_TIMEOUT: {
    httpStatus: 408,
    error: "request_timeout",
    message: "The request did not arrive in time.",
  },
  TOO_MANY_REQUESTS: {
    httpStatus: 429,
    error: "too_many_requests",
    message: "Too many requests; try again later.",
  },
  INTERNAL_ERROR: {
    httpStatus: 500,
    error: "internal_error",
    message: "The authority failed; its log has the request id.",
  },
  STORE_UNAVAILABLE: {
    httpStatus: 503,
    error: "store_unavailable",
    message: "The authority cannot reach its store, and allows nothing without it.",
  },
  SHUTTING_DOWN: {
    httpStatus: 503,
    error: "shutting_down",
    message: "The authority is about to end; ask another one.",
  },
};

/** A request that is not decided at all. Thrown by a route, answered in one place. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  /** When to ask again, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  /** @param message what the caller may read; nothing of it may come from inside */
  constructor(code: FailureCode, message?: string, retryAfterMs?: number) {
    super(message ?? FAILURES[code].message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  get httpStatus(): number {
    return FAILURES[this.code].httpStatus;
  }

  /** The header `Retry-After`: whole seconds, rounded up. */
  get retryAfter(): string | undefined {
    const { retryAfterMs } = this;
    return retryAfterMs === undefined ? undefined : String(Math.ceil(retryAfterMs / 1000));
  }
}

/** The failure shape, as JSON. It always denies. */
export function failureJson(code: FailureCode, message: string, requestId: string): string {
  const { error } = FAILURES[code];
  const failure = { status: "error", error, code, message, allowed: false, request_id: requestId };
  return JSON.stringify(failure);
}
