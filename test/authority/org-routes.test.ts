import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createOrgAnswerSchema,
  listOrgsAnswerSchema,
  metaAnswerSchema,
  setOrgPlanAnswerSchema,
} from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { failureIn, expectRequestId } from "./answers.ts";

describe("the administrator's routes", () => {
  let authority: TestAuthority;
  beforeEach(async () => {
    authority = await startTestAuthority();
  });
  afterEach(async () => {
    await authority.close();
  });

  it("200: org/create makes an org whose key works at once", async () => {
    const created = await call(authority, "POST", "/api/v1/org/create", { name: "Acme", plan: 2 });
    expect(created.status).toBe(200);
    expectRequestId(created);
    expect(createOrgAnswerSchema.safeParse(created.body).success).toBe(true);
    expect(Object.keys(created.body)).toEqual([
      "status",
      "orgApiKey",
      "handler",
      "orgId",
      "request_id",
    ]);
    expect(created.body).toMatchObject({ status: "ok", handler: "org_create" });
    const ownerKey = String(created.body["orgApiKey"]);
    expect(ownerKey).toMatch(/^org_[\w-]{43}$/);
    const usage = await call({ ...authority, ownerKey }, "GET", "/api/v1/usage");
    expect(usage.body).toMatchObject({ planTier: "custom", limit: 2, devicesUsed: 0 });
  });

  it("200: org/create needs no body, and then gives an unlimited plan", async () => {
    const created = await call(authority, "POST", "/api/v1/org/create");
    const ownerKey = String(created.body["orgApiKey"]);
    const usage = await call({ ...authority, ownerKey }, "GET", "/api/v1/usage");
    expect(usage.body).toMatchObject({ planTier: "unlimited", limit: null, remaining: null });
  });

  it("200: org/list and org/plan answer orgs with their plans", async () => {
    const created = await call(authority, "POST", "/api/v1/org/create", {
      name: "Acme",
      plan: "pro",
    });
    const orgId = String(created.body["orgId"]);
    const list = await call(authority, "GET", "/api/v1/org/list");
    expect(listOrgsAnswerSchema.safeParse(list.body).success).toBe(true);
    expect(list.body["orgs"]).toMatchObject([
      { name: "default", planTier: "unlimited" },
      { orgId, name: "Acme", planTier: "pro", limit: 25, devicesUsed: 0, remaining: 25 },
    ]);
    const changed = await call(authority, "POST", "/api/v1/org/plan", {
      orgId,
      plan: "free",
      accessUntil: "2100-01-01T00:00:00+01:00",
    });
    expect(changed.status).toBe(200);
    expect(setOrgPlanAnswerSchema.safeParse(changed.body).success).toBe(true);
    expect(changed.body["org"]).toMatchObject({
      orgId,
      planTier: "free",
      planState: "active",
      accessUntil: "2099-12-31T23:00:00.000Z",
      limit: 3,
    });
    expect(JSON.stringify(list.body)).not.toMatch(/org_[\w-]{16}|adm_|hash/);
  });

  it("404: org/plan of an org that is not there", async () => {
    const refused = await call(authority, "POST", "/api/v1/org/plan", { orgId: "none" });
    expect(failureIn(refused)).toEqual([404, "ORG_NOT_FOUND"]);
  });

  it.each([
    ["POST", "/api/v1/org/create", {}],
    ["POST", "/api/v1/org/plan", { orgId: "x" }],
    ["GET", "/api/v1/org/list", undefined],
  ])("401: %s %s without the administrator's key", async (method, path, body) => {
    for (const adminKey of ["", "adm_unknown-but-well-formed-0123456789", authority.ownerKey]) {
      const refused = await call({ ...authority, adminKey }, method, path, body);
      expect(failureIn(refused)).toEqual([401, "ADMIN_KEY_INVALID"]);
    }
    const list = await call(authority, "GET", "/api/v1/org/list");
    expect(list.body["orgs"]).toHaveLength(1);
  });

  it.each([
    [{ name: "" }],
    [{ name: "x".repeat(101) }],
    [{ plan: "platinum" }],
    [{ plan: -1 }],
    [{ plan: 1.5 }],
    [{ plan: 1e9 }],
  ])("400: org/create of %j", async (body) => {
    const refused = await call(authority, "POST", "/api/v1/org/create", body);
    expect(failureIn(refused)).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it.each([
    [{}],
    [{ orgId: 7 }],
    [{ orgId: "x", planState: "on" }],
    [{ orgId: "x", accessUntil: "tomorrow" }],
    [{ orgId: "x", accessUntil: 7 }],
  ])("400: org/plan of %j", async (body) => {
    const refused = await call(authority, "POST", "/api/v1/org/plan", body);
    expect(failureIn(refused)).toEqual([400, "REQUEST_MALFORMED"]);
  });
});

describe("the routes that need no key", () => {
  it("200: meta, healthz and readyz, to the letter", async () => {
    await using authority = await startTestAuthority();
    const anyone = { ...authority, ownerKey: "", adminKey: "" };
    const meta = await call(anyone, "GET", "/api/v1/meta");
    const { request_id: _, ...fields } = meta.body;
    expect(fields).toEqual({
      name: "machineid-authority",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      features: [
        "lease",
        "stops",
        "scoped_keys",
        "org_stop",
        "batch_patterns",
        "if_version",
        "two_person_restore",
        "device_owners",
        "device_pages",
        "audit",
        "receipts",
        "events",
        "backup",
      ],
      lease: { ttl_ms: 10_000 },
    });
    expect(metaAnswerSchema.safeParse(meta.body).success).toBe(true);
    for (const path of ["/healthz", "/readyz"]) {
      const health = await call(anyone, "GET", path);
      expectRequestId(health);
      expect([health.status, health.body["status"]]).toEqual([200, "ok"]);
      const head = await call(anyone, "HEAD", path);
      expect([head.status, head.body]).toEqual([200, {}]);
    }
  });

  it("says the version of the package", async () => {
    const { AUTHORITY_VERSION } = await import("../../src/authority/version.ts");
    const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
    expect(AUTHORITY_VERSION).toBe(manifest.version);
  });
});
