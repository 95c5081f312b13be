import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { registerAnswerSchema, registerBlockedAnswerSchema } from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { expectRequestId } from "./answers.ts";

const NOW = Date.parse("2027-03-04T05:06:07.890Z");

describe("the route of registrations", () => {
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

  describe("register", () => {
    it("200: answers ok for a new device and exists for a known one, to the letter", async () => {
      const first = await post("register", { deviceId: " agent-01 " });
      expect(first.status).toBe(200);
      expectRequestId(first);
      const { request_id, ...fields } = first.body;
      expect(fields).toEqual({
        status: "ok",
        handler: "devices/register",
        deviceId: "agent-01",
        ...plan,
        devicesUsed: 1,
        remaining: 2,
      });
      const second = await post("register", { deviceId: "agent-01" });
      expect(second.status).toBe(200);
      expect({ ...second.body, request_id }).toEqual({ ...first.body, status: "exists" });
      expect(registerAnswerSchema.safeParse(second.body).success).toBe(true);
    });

    it("403: is blocked for a revoked device", async () => {
      await post("register", { deviceId: "agent-01" });
      await post("revoke", { deviceId: "agent-01" });
      const blocked = await post("register", { deviceId: "agent-01" });
      expect(blocked.status).toBe(403);
      expectRequestId(blocked);
      const { request_id: _, ...fields } = blocked.body;
      expect(fields).toEqual({
        status: "blocked",
        error: "device_revoked",
        code: "DEVICE_REVOKED",
        allowed: false,
        handler: "devices/register",
        deviceId: "agent-01",
        ...plan,
        devicesUsed: 0,
        remaining: 3,
      });
      expect(registerBlockedAnswerSchema.safeParse(blocked.body).success).toBe(true);
    });

    it("403: is blocked at the cap, with the plan", async () => {
      for (const deviceId of ["a", "b", "c"]) await post("register", { deviceId });
      const blocked = await post("register", { deviceId: "d" });
      expect(blocked.status).toBe(403);
      expect(blocked.body).toMatchObject({
        status: "blocked",
        error: "device_limit_reached",
        code: "DEVICE_LIMIT_REACHED",
        allowed: false,
        ...plan,
        devicesUsed: 3,
        remaining: 0,
      });
      expect((await post("validate", { deviceId: "a" })).body).toMatchObject({ allowed: true });
    });

    it.each([
      ["frozen", null, "PLAN_FROZEN", "frozen"],
      ["inactive", null, "PLAN_NOT_ACTIVE", "inactive"],
      ["active", "2027-03-04T05:06:07.890Z", "PLAN_NOT_ACTIVE", "inactive"],
    ])(
      "403: is blocked under a plan that is %s until %s",
      async (planState, accessUntil, code, shown) => {
        await post("register", { deviceId: "a" });
        const orgs = await get("/api/v1/org/list");
        const [org] = orgs.body["orgs"] as { orgId: string }[];
        const patch = { orgId: org?.orgId, planState, accessUntil };
        expect((await call(authority, "POST", "/api/v1/org/plan", patch)).status).toBe(200);
        for (const deviceId of ["a", "b"]) {
          const blocked = await post("register", { deviceId });
          expect(blocked.status).toBe(403);
          expect(blocked.body).toMatchObject({
            status: "blocked",
            code,
            planState: shown,
            accessUntil,
          });
        }
        const denied = await post("validate", { deviceId: "a" });
        expect(denied.status).toBe(200);
        expect(denied.body).toMatchObject({ allowed: false, code });
      },
    );
  });
});
