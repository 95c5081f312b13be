import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { Answer, TestAuthority, TestAuthorityOptions } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";
import { createOrg, createScopedKey } from "../../support/scoped-keys.ts";

describe("decisions over the lease channel", () => {
  let authority: TestAuthority;

  const start = async (options: TestAuthorityOptions = {}): Promise<void> => {
    authority = await startTestAuthority(options);
    for (const deviceId of ["a", "b"]) await post("devices/register", { deviceId });
  };
  const post = (path: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/${path}`, body);
  const entriesOn = async (deviceId: string): Promise<readonly Record<string, unknown>[]> => {
    const { body } = await call(authority, "GET", `/api/v1/audit?deviceId=${deviceId}`);
    return (body["entries"] as { line: string }[]).map(
      ({ line }) => JSON.parse(line) as Record<string, unknown>,
    );
  };
  const hold = (devices: readonly string[], key = authority.ownerKey): Promise<LeaseClient> =>
    LeaseClient.holding(authority.url, key, devices);

  beforeEach(() => start());
  afterEach(() => authority.close());

  it("a strict decision is used once, and is in the audit like one over HTTP", async () => {
    await using client = await hold(["a"]);
    const decision = await client.check(["a"]);
    expect(decision).toMatchObject({ valid_ms: 2_000, decisions: { a: { allowed: true } } });
    const { body } = await call(authority, "GET", "/api/v1/audit?deviceId=a&code=ALLOW");
    const lines = (body["entries"] as { line: string }[]).map(({ line }) => line);
    expect(lines.join()).toContain(decision.decisions["a"]?.request_id);
  });

  it("decisions on many devices are entries of up to 100 for each code, found under each of them", async () => {
    const allowed = Array.from({ length: 120 }, (_, index) => `many-${index}`);
    for (const deviceId of allowed) await post("devices/register", { deviceId });
    await post("devices/revoke", { deviceId: "b" });
    await using client = await hold([]);
    const decision = await client.check([...allowed, "b", "unknown", "nobody"]);
    const requestId = decision.decisions["b"]?.request_id;
    const of = async (deviceId: string): Promise<readonly Record<string, unknown>[]> =>
      (await entriesOn(deviceId)).filter(({ request_id }) => request_id === requestId);
    const expected = [
      ["many-0", "ALLOW", allowed.slice(0, 100)],
      ["many-119", "ALLOW", allowed.slice(100)],
      ["nobody", "DEVICE_NOT_REGISTERED", ["unknown", "nobody"]],
    ] as const;
    for (const [deviceId, code, deviceIds] of expected) {
      expect(await of(deviceId)).toMatchObject([{ op: "validate", code, deviceIds }]);
    }
    expect(await of("b")).toMatchObject([{ deviceId: "b", code: "DEVICE_REVOKED" }]);
  });

  it("an entry names fewer devices where their ids are long", async () => {
    const named = Array.from({ length: 30 }, (_, index) => `${index}:`.padEnd(250, "漢"));
    await using client = await hold([]);
    await client.check(named);
    const [entries, last] = await Promise.all([
      entriesOn(encodeURIComponent(named[0] ?? "")),
      entriesOn(encodeURIComponent(named[29] ?? "")),
    ]);
    expect(entries).toMatchObject([{ deviceIds: named.slice(0, 15) }]);
    expect(last).toMatchObject([{ deviceIds: named.slice(15) }]);
  });

  it("a renewal is in the audit when it denies, and when it allows what was not allowed before", async () => {
    await using client = await hold(["a"]);
    await client.renew();
    await client.renew();
    await post("devices/revoke", { deviceId: "a" });
    await client.renew();
    await client.renew();
    await post("devices/unrevoke", { deviceId: "a" });
    await client.renew();
    await client.renew();
    const entries = await entriesOn("a");
    expect(entries.filter(({ op }) => op === "validate").map(({ code }) => code)).toEqual([
      "ALLOW",
      "DEVICE_REVOKED",
      "DEVICE_REVOKED",
      "ALLOW",
    ]);
  });

  it("hints that a device may be allowed again", async () => {
    await using client = await hold(["a", "c"]);
    await post("devices/revoke", { deviceId: "a" });
    await post("devices/unrevoke", { deviceId: "a" });
    expect((await client.next("allow")).devices).toEqual(["a"]);
    await post("devices/register", { deviceId: "c" });
    await client.next("allow", ({ devices }) => devices.includes("c"));
    await post("org/stop", {});
    await post("org/resume", {});
    await client.next("allow", ({ devices }) => devices.length === 2);
  });

  it.each([
    ["revoked", "ORG_KEY_INVALID"],
    ["rotated out", "ORG_KEY_INVALID"],
  ])("the sessions of a key that is %s are stopped", async (how, code) => {
    const { secret, keyId } = await createScopedKey(authority, "agent");
    await using client = await hold(["a"], secret);
    await using other = await hold(["a"]);
    if (how === "revoked") await post("keys/revoke", { keyId });
    else await post("keys/rotate", { keyId, overlap_ms: 0 });
    expect(await client.next("stop")).toMatchObject({ devices: ["a"], code });
    expect((await client.renew()).decisions).toMatchObject({ a: { allowed: false, code } });
    expect((await other.renew()).decisions).toMatchObject({ a: { allowed: true } });
    expect(other.received.map(({ type }) => type)).not.toContain("stop");
  });

  it("a plan that denies is a stop, and one that allows again a hint", async () => {
    const org = await createOrg(authority);
    await call({ ...authority, ownerKey: org.ownerKey }, "POST", "/api/v1/devices/register", {
      deviceId: "a",
    });
    await using client = await hold(["a"], org.ownerKey);
    await post("org/plan", { orgId: org.orgId, planState: "frozen" });
    expect(await client.next("stop")).toMatchObject({ devices: ["a"], code: "PLAN_FROZEN" });
    await post("org/plan", { orgId: org.orgId, planState: "active" });
    expect((await client.next("allow")).devices).toEqual(["a"]);
  });

  it("no lease and no strict allow outlives its key", async () => {
    const now = Date.now();
    await authority.close();
    await start({ now: () => now });
    const expiresAt = new Date(now + 1_500).toISOString();
    const { secret } = await createScopedKey(authority, "agent", { expiresAt });
    await using client = await hold(["a"], secret);
    expect(client.received).toMatchObject([{ ttl_ms: 1_500 }]);
    expect(await client.check(["a"])).toMatchObject({ valid_ms: 1_500 });
    const asked = await call(
      { ...authority, ownerKey: secret },
      "POST",
      "/api/v1/devices/validate",
      {
        deviceId: "a",
      },
    );
    expect(asked.body).toMatchObject({ allowed: true, valid_ms: 1_500 });
  });
});
