import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  keyChangeAnswerSchema,
  listKeysAnswerSchema,
  newKeyAnswerSchema,
} from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { createScopedKey } from "../support/scoped-keys.ts";
import { expectRequestId, failureIn } from "./answers.ts";

const START = Date.parse("2027-03-04T05:06:07.000Z");
const HOUR = 3_600_000;

describe("key routes", () => {
  let authority: TestAuthority;
  let now: number;
  beforeEach(async () => {
    now = START;
    authority = await startTestAuthority({ now: () => now });
  });
  afterEach(async () => {
    await authority.close();
  });

  const post = (path: string, body: unknown, key = authority.ownerKey): Promise<Answer> =>
    call({ ...authority, ownerKey: key }, "POST", `/api/v1/${path}`, body);
  const list = async (): Promise<Record<string, unknown>[]> => {
    const answer = await call(authority, "GET", "/api/v1/keys/list");
    expect(listKeysAnswerSchema.safeParse(answer.body).success).toBe(true);
    return answer.body["keys"] as Record<string, unknown>[];
  };

  it("200: keys/create shows a key once, and lists know it by its ends alone", async () => {
    const created = await post("keys/create", {
      role: "agent",
      name: "queue workers",
      devicePattern: " worker:prod:* ",
      deviceOwner: "payments",
      expiresAt: "2027-03-05T00:00:00+01:00",
    });
    expect(created.status).toBe(200);
    expectRequestId(created);
    expect(newKeyAnswerSchema.safeParse(created.body).success).toBe(true);
    const secret = String(created.body["secret"]);
    // 32 random bytes.
    expect(secret).toMatch(/^agt_[\w-]{43}$/);
    const key = {
      keyId: expect.stringMatching(/^key_[0-9a-f]{16}$/),
      role: "agent",
      prefix: "agt_",
      lastFour: secret.slice(-4),
      name: "queue workers",
      devicePattern: "worker:prod:*",
      deviceOwner: "payments",
      createdAt: new Date(START).toISOString(),
      expiresAt: "2027-03-04T23:00:00.000Z",
      revokedAt: null,
      replacedBy: null,
    };
    expect(created.body).toEqual({
      status: "ok",
      handler: "keys/create",
      secret,
      key,
      version: 2,
      request_id: expect.any(String),
    });
    expect((await list())[1]).toEqual(key);
    expect(JSON.stringify(await list())).not.toContain(secret.slice(4, -4));
  });

  it.each([
    ["owner", "org_"],
    ["operator", "opr_"],
    ["viewer", "viw_"],
  ] as const)("200: a key of the role %s begins with %s", async (role, prefix) => {
    const { secret } = await createScopedKey(authority, role);
    expect(secret.startsWith(prefix)).toBe(true);
  });

  it.each([
    [{}],
    [{ role: "admin" }],
    [{ role: "agent" }],
    [{ role: "agent", devicePattern: "a*b" }],
    [{ role: "agent", devicePattern: "" }],
    [{ role: "operator", devicePattern: "*" }],
    [{ role: "viewer", deviceOwner: "x" }],
    [{ role: "owner", deviceOwner: "x" }],
    [{ role: "viewer", name: "" }],
    [{ role: "viewer", name: "a\nb" }],
    [{ role: "viewer", expiresAt: "tomorrow" }],
    [{ role: "viewer", expiresAt: new Date(START).toISOString() }],
    [{ role: "viewer", reason: "x".repeat(501) }],
  ])("400: keys/create of %j", async (body) => {
    expect(failureIn(await post("keys/create", body))).toEqual([400, "REQUEST_MALFORMED"]);
    expect(await list()).toHaveLength(1);
  });

  it("200: keys/revoke ends a key at once, and says when it did so before", async () => {
    const { secret, keyId } = await createScopedKey(authority, "operator");
    const revoked = await post("keys/revoke", { keyId, reason: "lost" });
    expect(revoked.status).toBe(200);
    expect(keyChangeAnswerSchema.safeParse(revoked.body).success).toBe(true);
    expect(revoked.body).toMatchObject({
      changed: true,
      key: { revokedAt: new Date(now).toISOString() },
    });
    expect(failureIn(await post("org/stop", {}, secret))).toEqual([401, "ORG_KEY_INVALID"]);
    expect((await post("keys/revoke", { keyId })).body).toMatchObject({ changed: false });
  });

  it("409: the last owner key stays", async () => {
    const [owner] = await list();
    const refused = await post("keys/revoke", { keyId: owner?.["keyId"] });
    expect(failureIn(refused)).toEqual([409, "CONFLICT"]);
    expect((await call(authority, "GET", "/api/v1/usage")).status).toBe(200);
  });

  it("409: no owner key goes unless another is left that lasts as long", async () => {
    const [owner] = await list();
    const keyId = owner?.["keyId"];
    const soon = new Date(now + 5).toISOString();
    await createScopedKey(authority, "owner", { expiresAt: soon });
    expect(failureIn(await post("keys/revoke", { keyId }))).toEqual([409, "CONFLICT"]);
    const shortened = await post("keys/rotate", { keyId, expiresAt: soon });
    expect(failureIn(shortened)).toEqual([409, "CONFLICT"]);
    // The key that was replaced works on for its overlap only.
    const rotated = await post("keys/rotate", { keyId });
    const newId = (rotated.body["key"] as Key).keyId;
    expect(failureIn(await post("keys/revoke", { keyId: newId }))).toEqual([409, "CONFLICT"]);
    await createScopedKey(authority, "owner");
    expect((await post("keys/revoke", { keyId: newId })).status).toBe(200);
  });

  it("404: keys/revoke and keys/rotate of a key that is not there", async () => {
    for (const operation of ["revoke", "rotate"]) {
      const refused = await post(`keys/${operation}`, { keyId: "key_0" });
      expect(failureIn(refused)).toEqual([404, "KEY_NOT_FOUND"]);
    }
  });

  it("200: keys/rotate lets both keys work for an hour unless told otherwise", async () => {
    const { secret: old, keyId } = await createScopedKey(authority, "agent");
    await post("devices/register", { deviceId: "a" });
    const rotated = await post("keys/rotate", { keyId });
    expect(rotated.status).toBe(200);
    expect(newKeyAnswerSchema.safeParse(rotated.body).success).toBe(true);
    const secret = String(rotated.body["secret"]);
    expect(secret).toMatch(/^agt_/);
    const allows = async (key: string): Promise<unknown> =>
      (await post("devices/validate", { deviceId: "a" }, key)).body["allowed"];
    now += HOUR - 1;
    expect([await allows(old), await allows(secret)]).toEqual([true, true]);
    now += 1;
    expect([await allows(old), await allows(secret)]).toEqual([false, true]);
    expect((await list())[1]).toMatchObject({ replacedBy: (rotated.body["key"] as Key).keyId });
    const again = await post("keys/rotate", { keyId });
    expect(failureIn(again)).toEqual([409, "CONFLICT"]);
  });

  it("200: keys/rotate without an overlap ends the old key at once, an owner's own too", async () => {
    const [owner] = await list();
    const rotated = await post("keys/rotate", { keyId: owner?.["keyId"], overlap_ms: 0 });
    const secret = String(rotated.body["secret"]);
    expect(failureIn(await post("org/stop", {}))).toEqual([401, "ORG_KEY_INVALID"]);
    expect((await post("org/stop", {}, secret)).status).toBe(200);
  });

  it.each([[-1], [1.5], [30 * 24 * HOUR + 1], ["1h"]])(
    "400: keys/rotate with an overlap of %j",
    async (overlap) => {
      const refused = await post("keys/rotate", { keyId: "key_0", overlap_ms: overlap });
      expect(failureIn(refused)).toEqual([400, "REQUEST_MALFORMED"]);
    },
  );

  it("401: an expired key is not known", async () => {
    const expiresAt = new Date(now + 5).toISOString();
    const { secret } = await createScopedKey(authority, "operator", { expiresAt });
    expect((await post("org/stop", {}, secret)).status).toBe(200);
    now += 5;
    expect(failureIn(await post("org/resume", {}, secret))).toEqual([401, "ORG_KEY_INVALID"]);
  });

  it("403: says why a key may not", async () => {
    const agent = await createScopedKey(authority, "agent", { devicePattern: "mine" });
    const foreign = await post("devices/validate", { deviceId: "yours" }, agent.secret);
    expect(failureIn(foreign)).toEqual([403, "FORBIDDEN"]);
    expect(foreign.body["message"]).toBe("The key is for other devices.");
    const role = await post("devices/unrevoke", { deviceId: "mine" }, agent.secret);
    expect(role.body["message"]).toBe("The role of the key does not include this.");
  });
});

interface Key {
  readonly keyId: string;
}
