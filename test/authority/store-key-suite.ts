import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PERMISSIONS, verifyAudit } from "../../src/authority/index.ts";
import type { Caller, KeyRecord, Permission, Store } from "../../src/authority/index.ts";
import { MAX_LIVE_KEYS } from "../../src/authority/key-lifecycle.ts";
import { createKey, createSecret, keyLabel, keyRecord } from "../../src/authority/keys.ts";
import { createOrgRecord } from "../../src/authority/plan.ts";
import { KEY_ROLES } from "../../src/wire/index.ts";
import { StoreFixture } from "./store-fixture.ts";
import type { StoreAdapter } from "./store-fixture.ts";

/** What every store must do with keys of every role. */
export function storeKeySuite(name: string, createAdapter: () => StoreAdapter): void {
  describe(`store: ${name}: keys`, () => {
    let fixture: StoreFixture;
    let store: Store;
    const call = (key: KeyRecord): Caller => fixture.call(key);
    const codeOf = (key: KeyRecord, deviceId: string): Promise<string> =>
      fixture.codeOf(key, deviceId);
    const draft = () =>
      keyRecord(createSecret("viewer", fixture.at).secret, { role: "viewer", orgId: null });
    const rotation = (overlapMs: number) => ({ overlapMs, expiresAt: undefined });

    beforeEach(async () => {
      fixture = await StoreFixture.open(createAdapter());
      ({ store } = fixture);
    });
    afterEach(async () => {
      await fixture.store.close();
    });

    /** Every operation with an org's key, and the right it needs. */
    const operations: [Permission, (key: KeyRecord) => Promise<{ readonly kind: string }>][] = [
      ["devices:register", (key) => store.register(call(key), "mine")],
      ["devices:validate", (key) => store.validate(call(key), "mine")],
      ["devices:list", (key) => store.listDevices(call(key))],
      ["devices:revoke", (key) => store.setRevoked(call(key), ["mine"], true)],
      ["devices:unrevoke", (key) => store.setRevoked(call(key), ["mine"], false)],
      ["devices:remove", (key) => store.remove(call(key), "mine")],
      ["usage:read", (key) => store.usage(call(key))],
      ["org:read", (key) => store.readOrg(call(key))],
      ["org:stop", (key) => store.stopOrg(call(key))],
      ["org:resume", (key) => store.resumeOrg(call(key))],
      ["org:policy", (key) => store.setOrgPolicy(call(key), { twoPersonRestore: false })],
      ["keys:read", (key) => store.listKeys(call(key))],
      ["keys:write", (key) => store.createKey(call(key), draft())],
      ["keys:write", (key) => store.revokeKey(call(key), "none")],
      ["keys:write", (key) => store.rotateKey(call(key), "none", draft(), rotation(0))],
    ];

    it.each(KEY_ROLES)(
      "lets the role %s do what the table says, and nothing else",
      async (role) => {
        const { key: owner, org } = await fixture.addOrg("unlimited");
        const terms = role === "agent" ? { devicePattern: "mine" } : {};
        const key = await fixture.addKey(owner, role, terms);
        for (const [permission, operate] of operations) {
          const outcome = await operate(key);
          const roles: readonly string[] = PERMISSIONS[permission];
          const said = outcome.kind === "forbidden" ? outcome : "allowed";
          const forbidden = { kind: "forbidden", reason: "role" };
          expect([permission, said]).toEqual([
            permission,
            roles.includes(role) ? "allowed" : forbidden,
          ]);
        }
        const refused = (await fixture.audit(org.id)).filter(({ code }) => code === "FORBIDDEN");
        const expected = operations.filter(
          ([permission]) => !(PERMISSIONS[permission] as readonly string[]).includes(role),
        );
        expect(refused).toHaveLength(expected.length);
        for (const entry of refused) {
          expect(entry).toMatchObject({ by: key.id, detail: { key: keyLabel(key) } });
        }
      },
    );

    it("keeps an agent's key to the devices of its pattern", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const many = await fixture.addKey(owner, "agent", { devicePattern: "worker:prod:*" });
      const one = await fixture.addKey(owner, "agent", { devicePattern: "worker:prod:1" });
      const foreign = { kind: "forbidden", reason: "device_pattern" };
      await store.register(call(many), "worker:prod:1");
      expect(await codeOf(many, "worker:prod:1")).toBe("ALLOW");
      expect(await codeOf(one, "worker:prod:1")).toBe("ALLOW");
      expect(await codeOf(many, "worker:prod:")).toBe("DEVICE_NOT_REGISTERED");
      const outside = ["worker:prod", "worker:production", "Worker:prod:1", "x", " worker:prod:1"];
      for (const deviceId of outside) {
        expect(await store.validate(call(many), deviceId)).toEqual(foreign);
        expect(await store.register(call(many), deviceId)).toEqual(foreign);
      }
      expect(await store.validate(call(one), "worker:prod:11")).toEqual(foreign);
      expect(await store.validate(call(one), "worker:prod:*")).toEqual(foreign);
      expect(await store.usage(call(owner))).toMatchObject({ devicesUsed: 1 });
    });

    it("knows a key until the instant it expires", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const expiresAt = fixture.at + 1_000;
      const key = await fixture.addKey(owner, "viewer", { expiresAt });
      fixture.at = expiresAt - 1;
      expect(await store.usage(call(key))).toMatchObject({ kind: "usage" });
      fixture.at = expiresAt;
      expect(await store.usage(call(key))).toEqual({ kind: "unknown_key" });
    });

    it("knows a revoked key no more, and revokes it once", async () => {
      const { key: owner, org } = await fixture.addOrg("unlimited");
      const key = await fixture.addKey(owner, "operator");
      const options = { reason: "left the team" };
      const revoked = await store.revokeKey(call(owner), key.id, options);
      expect(revoked).toMatchObject({ kind: "key", changed: true, key: { revokedAt: fixture.at } });
      expect(await store.listDevices(call(key))).toEqual({ kind: "unknown_key" });
      const again = await store.revokeKey(call(owner), key.id);
      expect(again).toMatchObject({ kind: "key", changed: false });
      expect((await fixture.audit(org.id)).at(-1)).toMatchObject({
        op: "key_revoke",
        by: owner.id,
        detail: { keyId: key.id, target: keyLabel(key), key: keyLabel(owner), ...options },
      });
    });

    it("leaves an org an owner key", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const refused = { kind: "key_conflict", reason: "last_owner_key" };
      expect(await store.revokeKey(call(owner), owner.id)).toEqual(refused);
      const brief = await fixture.addKey(owner, "owner", { expiresAt: fixture.at + 10 });
      expect(await store.revokeKey(call(brief), owner.id)).toEqual(refused);
      const second = await fixture.addKey(owner, "owner");
      expect(await store.revokeKey(call(second), owner.id)).toMatchObject({ changed: true });
      expect(await store.revokeKey(call(second), second.id)).toEqual(refused);
    });

    it("rotates a key: both work for the overlap, then the new one alone", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const terms = { devicePattern: "a*", deviceOwner: "team", name: "n" };
      const old = await fixture.addKey(owner, "agent", { ...terms, expiresAt: fixture.at + 5_000 });
      await store.register(call(old), "a1");
      fixture.at += 1_000;
      const { secret } = createSecret("agent", fixture.at);
      const rotated = await store.rotateKey(call(owner), old.id, secret, rotation(2_000));
      if (rotated.kind !== "key") throw new Error(rotated.kind);
      expect(rotated.key).toMatchObject({ ...terms, role: "agent", expiresAt: fixture.at + 5_000 });
      expect([await codeOf(old, "a1"), await codeOf(rotated.key, "a1")]).toEqual([
        "ALLOW",
        "ALLOW",
      ]);
      expect(await store.rotateKey(call(owner), old.id, draft(), rotation(0))).toEqual({
        kind: "key_conflict",
        reason: "key_rotated",
      });
      fixture.at += 2_000;
      expect([await codeOf(old, "a1"), await codeOf(rotated.key, "a1")]).toEqual([
        "unknown_key",
        "ALLOW",
      ]);
      const { keys } = (await store.listKeys(call(owner))) as { keys: readonly KeyRecord[] };
      expect(keys.map(({ id }) => id)).toEqual([owner.id, old.id, rotated.key.id]);
      expect(keys[1]).toMatchObject({ replacedBy: rotated.key.id, expiresAt: fixture.at });
    });

    it("never lengthens a key's life by rotating it, and rotates none that has ended", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const key = await fixture.addKey(owner, "viewer", { expiresAt: fixture.at + 10 });
      const { secret } = createSecret("viewer", fixture.at);
      await store.rotateKey(call(owner), key.id, secret, rotation(60_000));
      fixture.at += 10;
      expect(await store.usage(call(key))).toEqual({ kind: "unknown_key" });
      const ended = await store.rotateKey(call(owner), secret.id, draft(), rotation(0));
      expect(ended).toEqual({ kind: "key_conflict", reason: "key_ended" });
    });

    it("rotates the administrator's key: both work for the overlap, then the new one alone", async () => {
      const { secret } = createSecret("admin", fixture.at);
      const next = keyRecord(secret, { role: "admin", orgId: null });
      const owner = (await fixture.addOrg("free")).key;
      expect(await store.rotateAdminKey(call(owner), secret, { overlapMs: 0 })).toEqual({
        kind: "unknown_key",
      });
      const rotated = await store.rotateAdminKey(call(fixture.admin), secret, {
        overlapMs: 1_000,
        reason: "a year is over",
      });
      const end = fixture.at + 1_000;
      expect(rotated).toMatchObject({ kind: "admin_key", key: next, oldExpiresAt: end });
      const again = createSecret("admin", fixture.at).secret;
      expect(await store.rotateAdminKey(call(fixture.admin), again, { overlapMs: 0 })).toEqual({
        kind: "key_conflict",
        reason: "key_rotated",
      });
      const known = async (key: KeyRecord) => (await store.authenticateAdmin(call(key))).kind;
      expect([await known(fixture.admin), await known(next)]).toEqual(["admin", "admin"]);
      fixture.at = end;
      expect([await known(fixture.admin), await known(next)]).toEqual(["unknown_key", "admin"]);
      const given = {
        requestId: randomUUID(),
        at: fixture.at,
        adminKey: createKey("admin", null, fixture.at).record,
        org: createOrgRecord({}, fixture.at),
        ownerKey: createKey("owner", "x", fixture.at).record,
        ownerKeyGiven: false,
      };
      expect(await store.bootstrap(given)).toMatchObject({ adminKey: "present" });
      expect(await store.rotateAdminKey(call(next), again, { overlapMs: 0 })).toMatchObject({
        kind: "admin_key",
      });
      expect(await known(next)).toBe("unknown_key");
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
    });

    it("keeps the keys of orgs apart", async () => {
      const one = await fixture.addOrg("unlimited");
      const other = await fixture.addOrg("unlimited");
      const key = await fixture.addKey(other.key, "operator");
      const missing = { kind: "not_found" };
      expect(await store.revokeKey(call(one.key), key.id)).toEqual(missing);
      expect(await store.rotateKey(call(one.key), key.id, draft(), rotation(0))).toEqual(missing);
      expect(await store.revokeKey(call(one.key), fixture.admin.id)).toEqual(missing);
      const { keys } = (await store.listKeys(call(one.key))) as { keys: readonly KeyRecord[] };
      expect(keys.map(({ id }) => id)).toEqual([one.key.id]);
      expect(await store.listDevices(call(key))).toMatchObject({ kind: "devices" });
    });

    it("gives every change of keys a version of its own", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const { version: before } = (await store.readOrg(call(owner))) as { version: number };
      const key = await fixture.addKey(owner, "viewer");
      const { secret } = createSecret("viewer", fixture.at);
      const rotated = await store.rotateKey(call(owner), key.id, secret, rotation(1));
      const revoked = await store.revokeKey(call(owner), key.id);
      expect([rotated, revoked]).toMatchObject([{ version: before + 2 }, { version: before + 3 }]);
    });

    it("lets an org have so many keys and no more", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const made = await Promise.all(
        Array.from({ length: MAX_LIVE_KEYS }, () => store.createKey(call(owner), draft())),
      );
      const kinds = made.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === "key")).toHaveLength(MAX_LIVE_KEYS - 1);
      expect(kinds.filter((kind) => kind === "key_conflict")).toHaveLength(1);
    });

    it.skipIf(createAdapter().forgets)("knows every key after reopening as before", async () => {
      const { key: owner } = await fixture.addOrg("unlimited");
      const agent = await fixture.addKey(owner, "agent", {
        devicePattern: "a*",
        deviceOwner: "team",
        name: "ci",
        expiresAt: fixture.at + 99,
      });
      const operator = await fixture.addKey(owner, "operator");
      await store.revokeKey(call(owner), operator.id);
      const { secret } = createSecret("agent", fixture.at);
      await store.rotateKey(call(owner), agent.id, secret, rotation(50));
      const before = await store.listKeys(call(owner));
      await fixture.reopen();
      ({ store } = fixture);
      expect(await store.listKeys(call(owner))).toEqual(before);
      expect(await codeOf(operator, "a")).toBe("unknown_key");
      expect(await store.validate(call(agent), "b")).toMatchObject({ kind: "forbidden" });
    });
  });
}
