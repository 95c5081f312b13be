/**
 * The closed lists of codes. A code is stable: programs switch on it, and
 * `docs/errors/` has a page for each.
 */

/**
 * Codes of a decision that our own authority makes. The hosted service may send
 * others, so a client treats a decision's code as an open string.
 */
export const DECISION_CODES = [
  "ALLOW",
  "DEVICE_REVOKED",
  "DEVICE_NOT_REGISTERED",
  "PLAN_FROZEN",
  "PLAN_NOT_ACTIVE",
  "ORG_DISABLED",
] as const;
export type DecisionCode = (typeof DECISION_CODES)[number];

/** Codes of a registration that was refused. */
export const REGISTRATION_CODES = ["DEVICE_REVOKED", "DEVICE_LIMIT_REACHED"] as const;
export type RegistrationCode = (typeof REGISTRATION_CODES)[number];

/** Codes of a request that was not decided at all; the answer is in the failure shape. */
export const FAILURE_CODES = [
  "REQUEST_MALFORMED",
  "DEVICE_ID_INVALID",
  "ORG_KEY_MISSING",
  "ORG_KEY_INVALID",
  "ADMIN_KEY_INVALID",
  "FORBIDDEN",
  "DEVICE_NOT_FOUND",
  "KEY_NOT_FOUND",
  "STOP_NOT_FOUND",
  "ORG_NOT_FOUND",
  "ROUTE_NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "CONFLICT",
  "BODY_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
  "HEADERS_TOO_LARGE",
  "REQUEST_TIMEOUT",
  "TOO_MANY_REQUESTS",
  "INTERNAL_ERROR",
  "STORE_UNAVAILABLE",
  "SHUTTING_DOWN",
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/**
 * Codes that a guard makes itself. They never travel on the wire, and work
 * begins under none of them.
 */
export const GUARD_CODES = [
  "AUTHORITY_UNREACHABLE",
  "AUTHORITY_TIMEOUT",
  "AUTHORITY_ERROR",
  "AUTHORITY_MALFORMED",
  "ORG_KEY_REJECTED",
  "RATE_LIMITED",
  "RECEIPT_INVALID",
  "LEASE_EXPIRED",
  "NOT_REGISTERED",
  "RUN_STOPPED",
  "UNAWAITED_CHECK",
  "GUARD_CLOSED",
] as const;
export type GuardCode = (typeof GUARD_CODES)[number];
