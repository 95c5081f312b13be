import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DECISION_CODES,
  deviceIdSchema,
  FAILURE_CODES,
  GUARD_CODES,
  PLAN_LIMITS,
  readDecision,
  readRegistration,
  REGISTRATION_CODES,
  ROUTES,
} from "../../src/wire/index.ts";

describe("what counts as a decision", () => {
  test.each([
    [200, { allowed: true, code: "ALLOW" }, "allowed", "ALLOW"],
    [201, { allowed: true }, "allowed", "ALLOW"],
    [200, { allowed: true, code: "SOMETHING_NEW", unknown: 1 }, "allowed", "SOMETHING_NEW"],
    [200, { allowed: false, code: "PLAN_FROZEN" }, "denied", "PLAN_FROZEN"],
    [200, { allowed: false, code: "NOT YET KNOWN" }, "denied", "DENIED"],
    [
      403,
      { allowed: false, status: "blocked", code: "DEVICE_REVOKED" },
      "denied",
      "DEVICE_REVOKED",
    ],
    [403, { status: "blocked", error: "device_revoked" }, "denied", "DEVICE_REVOKED"],
    [500, { allowed: false, code: "ORG_DISABLED" }, "denied", "ORG_DISABLED"],
    [200, { allowed: true, status: "blocked", code: "X" }, "denied", "X"],
    [
      401,
      { allowed: false, status: "error", code: "ORG_KEY_INVALID" },
      "unavailable",
      "ORG_KEY_REJECTED",
    ],
    [403, { allowed: true }, "unavailable", "ORG_KEY_REJECTED"],
    [429, { allowed: false, status: "error" }, "unavailable", "RATE_LIMITED"],
    [500, { allowed: true }, "unavailable", "AUTHORITY_ERROR"],
    [302, { allowed: true }, "unavailable", "AUTHORITY_MALFORMED"],
    [200, { allowed: "true" }, "unavailable", "AUTHORITY_MALFORMED"],
    [200, { allowed: 1 }, "unavailable", "AUTHORITY_MALFORMED"],
    [200, { allowed: true, status: "error" }, "unavailable", "AUTHORITY_MALFORMED"],
    [200, { allowed: true, valid_ms: "2000" }, "unavailable", "AUTHORITY_MALFORMED"],
    [200, { allowed: true, valid_ms: -1 }, "unavailable", "AUTHORITY_MALFORMED"],
    [200, { allowed: true, deviceId: "mine" }, "allowed", "ALLOW"],
    [200, { allowed: true, deviceId: "another" }, "unavailable", "AUTHORITY_MALFORMED"],
    [200, { allowed: false, code: "X", deviceId: "another" }, "denied", "X"],
    [200, [{ allowed: true }], "unavailable", "AUTHORITY_MALFORMED"],
    [200, "true", "unavailable", "AUTHORITY_MALFORMED"],
    [200, null, "unavailable", "AUTHORITY_MALFORMED"],
  ])("%i %j: %s %s", (status, body, outcome, code) => {
    expect(readDecision(status, body, "mine")).toMatchObject({ outcome, code });
  });

  test("an answer whose allowed is only inherited is no allow", () => {
    const body: unknown = Object.create({ allowed: true });
    expect(readDecision(200, body, "mine")).toMatchObject({ outcome: "unavailable" });
  });

  test("a polluted prototype allows nothing", () => {
    const shared: object = Object.getPrototypeOf({});
    Reflect.defineProperty(shared, "allowed", { value: true, configurable: true });
    try {
      expect(readDecision(200, {}, "mine")).toMatchObject({ outcome: "unavailable" });
    } finally {
      Reflect.deleteProperty(shared, "allowed");
    }
  });
});

describe("what counts as registered", () => {
  test.each([
    [200, { status: "ok" }, "allowed", "ALLOW"],
    [200, { status: "exists" }, "allowed", "ALLOW"],
    [403, { status: "blocked", code: "DEVICE_REVOKED" }, "denied", "DEVICE_REVOKED"],
    [403, { status: "blocked", error: "device_limit_reached" }, "denied", "DEVICE_LIMIT_REACHED"],
    [200, { status: "limit_reached" }, "denied", "DEVICE_LIMIT_REACHED"],
    [200, { status: "fine" }, "unavailable", "NOT_REGISTERED"],
    [200, {}, "unavailable", "NOT_REGISTERED"],
    [500, { status: "ok" }, "unavailable", "AUTHORITY_ERROR"],
    [401, { status: "error", allowed: false }, "unavailable", "ORG_KEY_REJECTED"],
    [200, { status: "ok", allowed: false, code: "DEVICE_REVOKED" }, "denied", "DEVICE_REVOKED"],
  ])("%i %j: %s %s", (status, body, outcome, code) => {
    expect(readRegistration(status, body)).toMatchObject({ outcome, code });
  });
});

describe("device ids", () => {
  const parse = (value: unknown): unknown => {
    const result = deviceIdSchema.safeParse(value);
    return result.success ? result.data : undefined;
  };

  test.each([
    ["agent-01", "agent-01"],
    ["  worker:prod:queue-consumer:07\n", "worker:prod:queue-consumer:07"],
    ["__proto__", "__proto__"],
    ["x".repeat(256), "x".repeat(256)],
    ["😀".repeat(128), "😀".repeat(128)],
    ["😀".repeat(129), undefined],
    ["x".repeat(257), undefined],
    ["", undefined],
    [" \t", undefined],
    ["a\u0000b", undefined],
    ["a\u007fb", undefined],
    ["a\u0085b", undefined],
    ["a\ud800", undefined],
    [7, undefined],
  ])("%j becomes %j", (value, expected) => {
    expect(parse(value)).toBe(expected);
  });

  test("what is accepted survives UTF-8 and being accepted again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (value) => {
        const id = parse(value);
        if (typeof id !== "string") return;
        expect(Buffer.from(id, "utf8").toString("utf8")).toBe(id);
        expect(parse(id)).toBe(id);
      }),
    );
  });
});

test("codes, caps and routes are pinned: a change here is a change of the contract", () => {
  expect({
    DECISION_CODES,
    REGISTRATION_CODES,
    FAILURE_CODES,
    GUARD_CODES,
    PLAN_LIMITS,
    ROUTES: Object.values(ROUTES).map(({ method, path }) => `${method} ${path}`),
  }).toMatchInlineSnapshot(`
    {
      "DECISION_CODES": [
        "ALLOW",
        "DEVICE_REVOKED",
        "DEVICE_NOT_REGISTERED",
        "PLAN_FROZEN",
        "PLAN_NOT_ACTIVE",
        "ORG_DISABLED",
      ],
      "FAILURE_CODES": [
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
      ],
      "GUARD_CODES": [
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
      ],
      "PLAN_LIMITS": {
        "free": 3,
        "max": 1000,
        "pro": 25,
        "scale": 250,
        "unlimited": null,
      },
      "REGISTRATION_CODES": [
        "DEVICE_REVOKED",
        "DEVICE_LIMIT_REACHED",
      ],
      "ROUTES": [
        "POST /api/v1/devices/register",
        "POST /api/v1/devices/validate",
        "GET /api/v1/devices/list",
        "POST /api/v1/devices/revoke",
        "POST /api/v1/devices/unrevoke",
        "POST /api/v1/devices/remove",
        "POST /api/v1/devices/revoke_batch",
        "POST /api/v1/devices/unrevoke_batch",
        "GET /api/v1/usage",
        "GET /api/v1/org",
        "POST /api/v1/org/stop",
        "GET /api/v1/stops/{version}",
        "GET /api/v1/sessions",
        "POST /api/v1/org/resume",
        "POST /api/v1/org/policy",
        "POST /api/v1/keys/create",
        "GET /api/v1/keys/list",
        "POST /api/v1/keys/revoke",
        "POST /api/v1/keys/rotate",
        "GET /api/v1/meta",
        "GET /api/v1/audit",
        "GET /api/v1/audit/chains",
        "GET /.well-known/jwks.json",
        "POST /api/v1/org/create",
        "GET /api/v1/org/list",
        "POST /api/v1/org/plan",
        "GET /api/v1/events",
        "POST /api/v1/backup",
        "POST /api/v1/authority/rotate_key",
        "POST /api/v1/authority/rotate_admin_key",
      ],
    }
  `);
});
