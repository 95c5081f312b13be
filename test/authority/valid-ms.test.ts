import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { createScopedKey } from "../support/scoped-keys.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const NONCE = "0123456789abcdef";

async function start(now: () => number): Promise<TestAuthority> {
  const authority = await startTestAuthority({ now, validMs: 2_000 });
  await call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });
  return authority;
}

/** What an answer says it is good for, and what its receipt says. */
async function termsOf(authority: TestAuthority, ownerKey = authority.ownerKey) {
  const asked = { deviceId: "a", nonce: NONCE };
  const path = "/api/v1/devices/validate";
  const { status, body } = await call({ ...authority, ownerKey }, "POST", path, asked);
  if (status !== 200) return [status];
  return [body["code"], body["valid_ms"], decodeJwt(String(body["receipt"]))["valid_ms"]];
}

describe("how long an allow is good", () => {
  test("no longer than its key is", async () => {
    let now = NOW;
    await using authority = await start(() => now);
    const expiresAt = new Date(NOW + 10_000).toISOString();
    const { secret } = await createScopedKey(authority, "agent", { expiresAt });
    expect(await termsOf(authority, secret)).toEqual(["ALLOW", 2_000, 2_000]);
    now = NOW + 9_999;
    expect(await termsOf(authority, secret)).toEqual(["ALLOW", 1, 1]);
    now = NOW + 10_000;
    expect(await termsOf(authority, secret)).toEqual([401]);
    expect(await termsOf(authority)).toEqual(["ALLOW", 2_000, 2_000]);
  });

  test("no longer than the plan is", async () => {
    let now = NOW;
    await using authority = await start(() => now);
    const { body } = await call(authority, "GET", "/api/v1/org/list");
    const [org] = body["orgs"] as readonly { readonly orgId: string }[];
    const accessUntil = new Date(NOW + 10_000).toISOString();
    const plan = { orgId: org?.orgId, accessUntil };
    expect((await call(authority, "POST", "/api/v1/org/plan", plan)).status).toBe(200);
    now = NOW + 9_000;
    expect(await termsOf(authority)).toEqual(["ALLOW", 1_000, 1_000]);
    // Of key and plan, what ends sooner counts.
    const expiresAt = new Date(NOW + 9_100).toISOString();
    const { secret } = await createScopedKey(authority, "agent", { expiresAt });
    expect(await termsOf(authority, secret)).toEqual(["ALLOW", 100, 100]);
    now = NOW + 10_000;
    expect(await termsOf(authority)).toEqual(["PLAN_NOT_ACTIVE", 0, 0]);
  });
});
