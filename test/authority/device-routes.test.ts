import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore } from "../../src/authority/index.ts";
import type { Store } from "../../src/authority/index.ts";
import {
  batchAnswerSchema,
  deviceChangeAnswerSchema,
  listDevicesAnswerSchema,
  usageAnswerSchema,
  validateAnswerSchema,
} from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { failureIn, expectRequestId } from "./answers.ts";

const NOW = Date.parse("2027-03-04T05:06:07.890Z");

describe("device routes", () => {
  let authority: TestAuthority;
  beforeEach(async () => {
    authority = await startTestAuthority({ plan: "free", now: () => NOW });
  });
  afterEach(async () => {
    await authority.close();
  });

  const post = (operation: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/devices/${operation}`, body);
  const get = (path: string): Promise<Answer> => call(authority, "GET", path);

  const plan = {
    planTier: "free",
    planState: "active",
    accessUntil: null,
    limit: 3,
    overLimit: false,
    softGraceWindow: false,
  };

  describe("validate", () => {
    it("200: allows a registered device, to the letter", async () => {
      await post("register", { deviceId: "agent-01" });
      const allowed = await post("validate", { deviceId: "agent-01" });
      expect(allowed.status).toBe(200);
      expectRequestId(allowed);
      const { request_id: _, ...fields } = allowed.body;
      expect(fields).toEqual({
        allowed: true,
        code: "ALLOW",
        status: "allowed",
        reason: "allow",
        handler: "devices/validate",
        deviceId: "agent-01",
        version: 2,
        valid_ms: 2000,
      });
      expect(allowed.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(allowed.headers.get("cache-control")).toBe("no-store");
      expect(validateAnswerSchema.safeParse(allowed.body).success).toBe(true);
    });

    it("200: denies a revoked device, to the letter", async () => {
      await post("register", { deviceId: "agent-01" });
      await post("revoke", { deviceId: "agent-01" });
      const denied = await post("validate", { deviceId: "agent-01" });
      expect(denied.status).toBe(200);
      const { request_id: _, ...fields } = denied.body;
      expect(fields).toEqual({
        allowed: false,
        code: "DEVICE_REVOKED",
        status: "blocked",
        reason: "device_revoked",
        handler: "devices/validate",
        deviceId: "agent-01",
        version: 3,
        valid_ms: 2000,
      });
    });

    it("200: denies a device it does not know", async () => {
      const denied = await post("validate", { deviceId: "stranger" });
      expect(denied.status).toBe(200);
      expect(denied.body).toMatchObject({ allowed: false, code: "DEVICE_NOT_REGISTERED" });
    });

    it("405: takes POST alone, and says so", async () => {
      for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
        const refused = await call(authority, method, "/api/v1/devices/validate");
        expect(failureIn(refused)).toEqual([405, "METHOD_NOT_ALLOWED"]);
        expect(refused.headers.get("allow")).toBe("POST, OPTIONS");
      }
      const head = await call(authority, "HEAD", "/api/v1/devices/validate");
      expect(head.status).toBe(405);
      const options = await call(authority, "OPTIONS", "/api/v1/devices/validate");
      expect([options.status, options.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
      expect(options.headers.get("access-control-allow-origin")).toBeNull();
    });
  });

  describe("revoke, unrevoke, remove", () => {
    it("200: say whether they changed anything, and under which version", async () => {
      await post("register", { deviceId: "a" });
      const steps = [];
      for (const operation of ["revoke", "revoke", "unrevoke", "unrevoke", "remove"]) {
        const answer = await post(operation, { deviceId: "a" });
        expect(answer.status).toBe(200);
        expectRequestId(answer);
        expect(deviceChangeAnswerSchema.safeParse(answer.body).success).toBe(true);
        const { request_id: _, ...fields } = answer.body;
        steps.push(fields);
      }
      const said = (operation: string, changed: boolean, version: number) => ({
        status: "ok",
        handler: `devices/${operation}`,
        deviceId: "a",
        changed,
        version,
      });
      expect(steps).toEqual([
        said("revoke", true, 3),
        said("revoke", false, 3),
        said("unrevoke", true, 4),
        said("unrevoke", false, 4),
        said("remove", true, 5),
      ]);
    });

    it("200: unrevoke is granted over the cap, and usage says so", async () => {
      await post("register", { deviceId: "a" });
      await post("revoke", { deviceId: "a" });
      for (const deviceId of ["b", "c", "d"]) await post("register", { deviceId });
      expect((await post("unrevoke", { deviceId: "a" })).body).toMatchObject({ changed: true });
      const usage = await get("/api/v1/usage");
      expect(usage.body).toMatchObject({ devicesUsed: 4, limit: 3, remaining: 0, overLimit: true });
      for (const deviceId of ["a", "b", "c", "d"]) {
        expect((await post("validate", { deviceId })).body).toMatchObject({ allowed: true });
      }
      expect((await post("register", { deviceId: "e" })).status).toBe(403);
    });

    it.each(["revoke", "unrevoke", "remove"])("404: %s of an unknown device", async (operation) => {
      expect(failureIn(await post(operation, { deviceId: "nobody" }))).toEqual([
        404,
        "DEVICE_NOT_FOUND",
      ]);
    });

    it("200: a batch answers for each id in the order asked", async () => {
      for (const deviceId of ["a", "b"]) await post("register", { deviceId });
      const batch = await post("revoke_batch", { deviceIds: ["b", "nobody", "a", "b"] });
      expect(batch.status).toBe(200);
      const { request_id: _, ...fields } = batch.body;
      expect(fields).toEqual({
        status: "ok",
        handler: "devices/revoke_batch",
        results: [
          { deviceId: "b", status: "ok", changed: true },
          { deviceId: "nobody", status: "not_found", changed: false },
          { deviceId: "a", status: "ok", changed: true },
          { deviceId: "b", status: "ok", changed: false },
        ],
        version: 4,
      });
      expect(batchAnswerSchema.safeParse(batch.body).success).toBe(true);
      const back = await post("unrevoke_batch", { deviceIds: ["a", "b"] });
      expect(back.body).toMatchObject({ handler: "devices/unrevoke_batch", version: 5 });
      expect((await post("validate", { deviceId: "b" })).body).toMatchObject({ allowed: true });
    });
  });

  describe("list and usage", () => {
    it("200: list every device, to the letter", async () => {
      await post("register", { deviceId: "a" });
      await post("register", { deviceId: "__proto__" });
      await post("validate", { deviceId: "a" });
      await post("revoke", { deviceId: "__proto__" });
      const list = await get("/api/v1/devices/list");
      expect(list.status).toBe(200);
      expectRequestId(list);
      const at = new Date(NOW).toISOString();
      const { request_id: _, ...fields } = list.body;
      expect(fields).toEqual({
        status: "ok",
        handler: "devices/list",
        devices: [
          {
            deviceId: "a",
            status: "active",
            revoked: false,
            createdAt: at,
            lastSeenAt: at,
            revokedAt: null,
          },
          {
            deviceId: "__proto__",
            status: "revoked",
            revoked: true,
            createdAt: at,
            lastSeenAt: null,
            revokedAt: at,
          },
        ],
      });
      expect(listDevicesAnswerSchema.safeParse(list.body).success).toBe(true);
    });

    it("200: list a large org in parts and one list at a time, so that decisions come between", async () => {
      const ids = Array.from({ length: 1_100 }, (_, place) => `worker:${place}`);
      const store = await sqliteStore(":memory:");
      const read: number[] = [];
      let underWay = 0;
      const watched = new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          if (name !== "listDevices") return value.bind(target);
          return async (...args: Parameters<Store["listDevices"]>) => {
            underWay += 1;
            expect(underWay).toBe(1);
            const listed = await target.listDevices(...args);
            underWay -= 1;
            read.push(listed.kind === "devices" ? listed.devices.length : -1);
            return listed;
          };
        },
      });
      await using large = await startTestAuthority({ store: watched });
      const path = "/api/v1/devices/register";
      await Promise.all(ids.map((deviceId) => call(large, "POST", path, { deviceId })));
      const lists = await Promise.all(
        [1, 2, 3].map(() => call(large, "GET", "/api/v1/devices/list")),
      );
      for (const { body } of lists) {
        expect(listDevicesAnswerSchema.safeParse(body).success).toBe(true);
        const listed = (body["devices"] as { deviceId: string }[]).map(({ deviceId }) => deviceId);
        expect(listed.toSorted()).toEqual(ids.toSorted());
      }
      expect(read).toEqual([500, 500, 100, 500, 500, 100, 500, 500, 100]);
    });

    it("200: answer the plan, to the letter", async () => {
      const usage = await get("/api/v1/usage");
      expect(usage.status).toBe(200);
      const { request_id: _, ...fields } = usage.body;
      expect(fields).toEqual({
        status: "ok",
        handler: "usage",
        ...plan,
        devicesUsed: 0,
        remaining: 3,
      });
      expect(usageAnswerSchema.safeParse(usage.body).success).toBe(true);
    });
  });

  describe("keys", () => {
    const operations: [string, string, unknown][] = [
      ["POST", "/api/v1/devices/register", { deviceId: "a" }],
      ["POST", "/api/v1/devices/validate", { deviceId: "a" }],
      ["POST", "/api/v1/devices/revoke", { deviceId: "a" }],
      ["POST", "/api/v1/devices/unrevoke", { deviceId: "a" }],
      ["POST", "/api/v1/devices/remove", { deviceId: "a" }],
      ["POST", "/api/v1/devices/revoke_batch", { deviceIds: ["a"] }],
      ["POST", "/api/v1/devices/unrevoke_batch", { deviceIds: ["a"] }],
      ["GET", "/api/v1/devices/list", undefined],
      ["GET", "/api/v1/usage", undefined],
    ];

    it.each(operations)("401: %s %s without a known key", async (method, path, body) => {
      const wrong = [
        ["", "ORG_KEY_MISSING"],
        ["org_unknown-but-well-formed-0123456789", "ORG_KEY_INVALID"],
        ["nonsense", "ORG_KEY_INVALID"],
        [`org_${"k".repeat(10_000)}`, "ORG_KEY_INVALID"],
        [`${authority.ownerKey}x`, "ORG_KEY_INVALID"],
        [authority.ownerKey.toUpperCase(), "ORG_KEY_INVALID"],
        [authority.adminKey, "ORG_KEY_INVALID"],
      ] as const;
      for (const [ownerKey, code] of wrong) {
        const refused = await call({ ...authority, ownerKey }, method, path, body);
        expect(failureIn(refused)).toEqual([401, code]);
        if (ownerKey !== "") expect(JSON.stringify(refused.body)).not.toContain(ownerKey);
      }
      expect((await get("/api/v1/usage")).body).toMatchObject({ devicesUsed: 0 });
    });
  });
});
