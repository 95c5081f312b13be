import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  batchAnswerSchema,
  deviceChangeAnswerSchema,
  listDevicesAnswerSchema,
  MAX_ANSWER_BYTES,
  MAX_PAGE_SIZE,
  orgStateAnswerSchema,
} from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { createScopedKey } from "../support/scoped-keys.ts";
import { expectRequestId, failureIn } from "./answers.ts";

describe("stops and restores over HTTP", () => {
  let authority: TestAuthority;
  beforeEach(async () => {
    authority = await startTestAuthority();
  });
  afterEach(async () => {
    await authority.close();
  });

  const post = (path: string, body: unknown, key = authority.ownerKey): Promise<Answer> =>
    call({ ...authority, ownerKey: key }, "POST", `/api/v1/${path}`, body);
  const list = (query: string): Promise<Answer> =>
    call(authority, "GET", `/api/v1/devices/list${query}`);
  const register = async (...deviceIds: string[]): Promise<void> => {
    for (const deviceId of deviceIds) await post("devices/register", { deviceId });
  };
  const codeOf = async (deviceId: string): Promise<unknown> =>
    (await post("devices/validate", { deviceId })).body["code"];

  it("200: org/stop denies every device, new ones too, until org/resume", async () => {
    await register("a");
    const stopped = await post("org/stop", { reason: "incident 7" });
    expect(stopped.status).toBe(200);
    expectRequestId(stopped);
    expect(orgStateAnswerSchema.safeParse(stopped.body).success).toBe(true);
    expect(stopped.body).toMatchObject({ stopped: true, changed: true, version: 3 });
    expect([await codeOf("a"), await codeOf("b")]).toEqual(["ORG_DISABLED", "ORG_DISABLED"]);
    const refused = await post("devices/register", { deviceId: "b" });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ status: "blocked", code: "ORG_DISABLED" });
    expect((await post("org/stop", undefined)).body).toMatchObject({ changed: false, version: 3 });
    const state = await call(authority, "GET", "/api/v1/org");
    expect(state.body).toMatchObject({ stopped: true, twoPersonRestore: false, version: 3 });
    const resumed = await post("org/resume", undefined);
    expect(resumed.body).toMatchObject({ stopped: false, changed: true, version: 4 });
    expect(await codeOf("a")).toBe("ALLOW");
  });

  it("409: a restore that has not seen the stop does not undo it", async () => {
    await register("a");
    const { body: seen } = await call(authority, "GET", "/api/v1/org");
    await post("devices/revoke", { deviceId: "a" });
    await post("org/stop", {});
    const late = { if_version: seen["version"] };
    for (const [path, body] of [
      ["devices/unrevoke", { deviceId: "a", ...late }],
      ["devices/unrevoke_batch", { deviceIds: ["a"], ...late }],
      ["devices/unrevoke_batch", { devicePattern: "*", dry_run: true, ...late }],
      ["org/resume", late],
    ] as const) {
      expect(failureIn(await post(path, body))).toEqual([409, "CONFLICT"]);
    }
    const { body: now } = await call(authority, "GET", "/api/v1/org");
    const fresh = { if_version: now["version"] };
    expect((await post("org/resume", fresh)).body).toMatchObject({ changed: true });
    expect((await post("devices/unrevoke", { deviceId: "a", ...fresh })).body).toMatchObject({
      changed: true,
    });
    expect(await codeOf("a")).toBe("ALLOW");
  });

  it.each([[-1], [1.5], ["7"], [null]])("400: if_version %j", async (version) => {
    const refused = await post("devices/unrevoke", { deviceId: "a", if_version: version });
    expect(failureIn(refused)).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("202: where restores need two keys, the first asks and the second restores", async () => {
    await register("a", "b");
    const first = await createScopedKey(authority, "operator");
    const second = await createScopedKey(authority, "operator");
    await post("org/policy", { twoPersonRestore: true });
    await post("devices/revoke_batch", { deviceIds: ["a", "b"] });
    const asked = await post("devices/unrevoke", { deviceId: "a" }, first.secret);
    expect(asked.status).toBe(202);
    expect(deviceChangeAnswerSchema.safeParse(asked.body).success).toBe(true);
    expect(asked.body).toMatchObject({ status: "pending", changed: false });
    expect((await list("?limit=1")).body["devices"]).toMatchObject([
      { deviceId: "a", restoreRequestedBy: first.keyId },
    ]);
    const batch = await post("devices/unrevoke_batch", { deviceIds: ["a", "b"] }, second.secret);
    expect(batch.body["results"]).toEqual([
      { deviceId: "a", status: "ok", changed: true },
      { deviceId: "b", status: "pending", changed: false },
    ]);
    expect([await codeOf("a"), await codeOf("b")]).toEqual(["ALLOW", "DEVICE_REVOKED"]);
    const removed = await post("devices/remove", { deviceId: "b" });
    expect(failureIn(removed)).toEqual([403, "FORBIDDEN"]);
    await post("org/stop", {});
    const resuming = await post("org/resume", {}, first.secret);
    expect([resuming.status, resuming.body["status"]]).toEqual([202, "pending"]);
    expect(resuming.body["resumeRequestedBy"]).toBe(first.keyId);
    expect((await post("org/resume", {}, second.secret)).body).toMatchObject({ status: "ok" });
  });

  it("200: a pattern revokes what it covers, and a dry run names it first", async () => {
    await register("w:1", "w:2", "x");
    await post("devices/revoke", { deviceId: "w:2" });
    const body = { devicePattern: "w:*", reason: "drain" };
    const results = [
      { deviceId: "w:1", status: "ok", changed: true },
      { deviceId: "w:2", status: "ok", changed: false },
    ];
    const counts = { matched: 2, changed: 1, results };
    const dry = await post("devices/revoke_batch", { ...body, dry_run: true });
    expect(batchAnswerSchema.safeParse(dry.body).success).toBe(true);
    expect(dry.body).toMatchObject({ ...counts, dry_run: true });
    expect(await codeOf("w:1")).toBe("ALLOW");
    const done = await post("devices/revoke_batch", body);
    expect(done.body).toMatchObject(counts);
    expect(done.body["dry_run"]).toBeUndefined();
    expect([await codeOf("w:1"), await codeOf("x")]).toEqual(["DEVICE_REVOKED", "ALLOW"]);
  });

  it.each([
    [{}],
    [{ deviceIds: ["a"], devicePattern: "a" }],
    [{ devicePattern: "a*b" }],
    [{ devicePattern: "*", dry_run: "yes" }],
    [{ devicePattern: "*", reason: "" }],
  ])("400: a batch of %j, none of it done", async (body) => {
    await register("a");
    const refused = await post("devices/revoke_batch", body);
    expect(failureIn(refused)).toEqual([400, "REQUEST_MALFORMED"]);
    expect(await codeOf("a")).toBe("ALLOW");
  });

  it("200: a list in pages names every device once; without a limit it is as it was", async () => {
    const names = ["a", "b", "c", "d", "e"];
    await register(...names);
    await post("devices/register", { deviceId: "owned", owner: "team" });
    const seen: unknown[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await list(`?limit=2${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      expect(listDevicesAnswerSchema.safeParse(page.body).success).toBe(true);
      const devices = page.body["devices"] as { deviceId: string; owner: string | null }[];
      expect(devices).toHaveLength(2);
      seen.push(...devices.map(({ deviceId }) => deviceId));
      cursor = page.body["cursor"] as string | null;
    } while (cursor !== null);
    expect(seen).toEqual([...names, "owned"]);
    const owned = await list("?devicePattern=ow*");
    expect(owned.body["devices"]).toMatchObject([{ owner: "team", version: 7 }]);
    const whole = (await list("")).body;
    expect(Object.keys(whole)).toEqual(["status", "handler", "devices", "request_id"]);
    expect(Object.keys((whole["devices"] as object[])[0] ?? {})).toEqual([
      "deviceId",
      "status",
      "revoked",
      "createdAt",
      "lastSeenAt",
      "revokedAt",
    ]);
  });

  it("200: the fullest page is no larger than a client reads", async () => {
    const longest = (place: number): string =>
      `${String(place).padStart(4, "0")}${"語".repeat(252)}`;
    const owner = "語".repeat(100);
    await Promise.all(
      Array.from({ length: MAX_PAGE_SIZE + 1 }, (_, place) =>
        post("devices/register", { deviceId: longest(place), owner }),
      ),
    );
    const page = await list(`?limit=${MAX_PAGE_SIZE}`);
    expect(page.body["devices"]).toHaveLength(MAX_PAGE_SIZE);
    expect(Number(page.headers.get("content-length"))).toBeLessThan(MAX_ANSWER_BYTES);
    const batch = await post("devices/revoke_batch", { devicePattern: "*" });
    expect(batch.body).toMatchObject({ matched: MAX_PAGE_SIZE + 1, changed: MAX_PAGE_SIZE + 1 });
    expect(batch.body["results"]).toHaveLength(MAX_PAGE_SIZE);
    expect(Number(batch.headers.get("content-length"))).toBeLessThan(MAX_ANSWER_BYTES);
  });

  it.each([
    "limit=0",
    "limit=501",
    "limit=x",
    "limit=1.5",
    "limit=1&limit=2",
    "cursor=x",
    "cursor=-1",
    "devicePattern=a*b",
    "cursor=99999999999999999999",
  ])("400: a list with %s", async (query) => {
    expect(failureIn(await list(`?${query}`))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("403: a device under an owner is restored by that owner's keys, and not by others", async () => {
    const agent = await createScopedKey(authority, "agent", { deviceOwner: "security" });
    const stranger = await createScopedKey(authority, "operator");
    const keeper = await createScopedKey(authority, "operator", { deviceOwner: "security" });
    await post("devices/register", { deviceId: "a" }, agent.secret);
    await post("devices/revoke", { deviceId: "a" }, stranger.secret);
    for (const operation of ["unrevoke", "remove"]) {
      const refused = await post(`devices/${operation}`, { deviceId: "a" }, stranger.secret);
      expect(failureIn(refused)).toEqual([403, "FORBIDDEN"]);
    }
    expect((await post("devices/unrevoke", { deviceId: "a" }, keeper.secret)).status).toBe(200);
  });

  it("200: a changed plan, cap or end decides from the next call on", async () => {
    await register("a");
    const { body } = await call(authority, "GET", "/api/v1/org/list");
    const [{ orgId } = { orgId: "" }] = body["orgs"] as { orgId: string }[];
    const change = (terms: object): Promise<Answer> => post("org/plan", { orgId, ...terms });
    const registers = async (deviceId: string): Promise<unknown> =>
      (await post("devices/register", { deviceId })).body["code"];
    await change({ plan: 1 });
    expect([await registers("b"), await codeOf("a")]).toEqual(["DEVICE_LIMIT_REACHED", "ALLOW"]);
    await change({ planState: "frozen" });
    expect(await codeOf("a")).toBe("PLAN_FROZEN");
    await change({ planState: "active", accessUntil: "2020-01-01T00:00:00Z" });
    expect(await codeOf("a")).toBe("PLAN_NOT_ACTIVE");
    await change({ accessUntil: null, plan: 2 });
    expect([await registers("b"), await codeOf("a")]).toEqual([undefined, "ALLOW"]);
  });
});
