import { describe, expect, it } from "vitest";
import { DECISIONS } from "../../src/authority/index.ts";
import { FAILURES } from "../../src/authority/failure.ts";

/* Programs switch on these. A change here is a change of the API. */

describe("codes", () => {
  it("of decisions are these, and no others", () => {
    expect(
      Object.values(DECISIONS).map(({ code, allowed, status, reason }) => [
        code,
        allowed,
        status,
        reason,
      ]),
    ).toEqual([
      ["ALLOW", true, "allowed", "allow"],
      ["DEVICE_REVOKED", false, "blocked", "device_revoked"],
      ["DEVICE_NOT_REGISTERED", false, "blocked", "device_not_registered"],
      ["PLAN_FROZEN", false, "blocked", "plan_frozen"],
      ["PLAN_NOT_ACTIVE", false, "blocked", "plan_not_active"],
      ["ORG_DISABLED", false, "blocked", "org_disabled"],
    ]);
  });

  it("of failures are these, and no others", () => {
    const said = Object.entries(FAILURES).map(([code, failure]) => [
      code,
      failure.httpStatus,
      failure.error,
    ]);
    expect(said).toEqual([
      ["REQUEST_MALFORMED", 400, "malformed_request"],
      ["DEVICE_ID_INVALID", 400, "invalid_device_id"],
      ["ORG_KEY_MISSING", 401, "missing_org_key"],
      ["ORG_KEY_INVALID", 401, "invalid_org_key"],
      ["ADMIN_KEY_INVALID", 401, "invalid_admin_key"],
      ["FORBIDDEN", 403, "forbidden"],
      ["DEVICE_NOT_FOUND", 404, "device_not_found"],
      ["KEY_NOT_FOUND", 404, "key_not_found"],
      ["STOP_NOT_FOUND", 404, "stop_not_found"],
      ["ORG_NOT_FOUND", 404, "org_not_found"],
      ["ROUTE_NOT_FOUND", 404, "route_not_found"],
      ["METHOD_NOT_ALLOWED", 405, "method_not_allowed"],
      ["CONFLICT", 409, "conflict"],
      ["BODY_TOO_LARGE", 413, "body_too_large"],
      ["UNSUPPORTED_MEDIA_TYPE", 415, "unsupported_media_type"],
      ["HEADERS_TOO_LARGE", 431, "headers_too_large"],
      ["REQUEST_TIMEOUT", 408, "request_timeout"],
      ["TOO_MANY_REQUESTS", 429, "too_many_requests"],
      ["INTERNAL_ERROR", 500, "internal_error"],
      ["STORE_UNAVAILABLE", 503, "store_unavailable"],
      ["SHUTTING_DOWN", 503, "shutting_down"],
    ]);
  });
});
