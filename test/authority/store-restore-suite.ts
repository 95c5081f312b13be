import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Caller, KeyRecord, Store } from "../../src/authority/index.ts";
import { createSecret, keyLabel } from "../../src/authority/keys.ts";
import { RESTORE_REQUEST_MS } from "../../src/authority/restore.ts";
import { StoreFixture } from "./store-fixture.ts";
import type { StoreAdapter } from "./store-fixture.ts";

/** How every store revokes and restores: by ids or a pattern, on a version, with two keys, under owners. */
export function storeRestoreSuite(name: string, createAdapter: () => StoreAdapter): void {
  describe(`store: ${name}: revoking and restoring`, () => {
    let fixture: StoreFixture;
    let store: Store;
    let owner: KeyRecord;
    let orgId: string;
    const call = (key: KeyRecord): Caller => fixture.call(key);
    const codeOf = (deviceId: string): Promise<string> => fixture.codeOf(owner, deviceId);
    const register = async (...deviceIds: string[]): Promise<void> => {
      for (const deviceId of deviceIds) await store.register(call(owner), deviceId);
    };
    const versionOf = (outcome: object): number => (outcome as { version: number }).version;
    const restore = (key: KeyRecord, deviceId: string) =>
      store.setRevoked(call(key), [deviceId], false);

    beforeEach(async () => {
      fixture = await StoreFixture.open(createAdapter());
      ({ store } = fixture);
      const made = await fixture.addOrg("unlimited");
      owner = made.key;
      orgId = made.org.id;
    });
    afterEach(async () => {
      await fixture.store.close();
    });

    it("revokes and restores what a pattern covers, as one change", async () => {
      await register("w:1", "x", "w:2", "w", "w:3");
      await store.setRevoked(call(owner), ["w:2"], true);
      const { version: before } = (await store.readOrg(call(owner))) as { version: number };
      const revoked = await store.setRevoked(call(owner), { devicePattern: "w:*" }, true);
      expect(revoked).toEqual({
        kind: "revocation_changed",
        orgId: owner.orgId,
        results: [
          { deviceId: "w:1", found: true, changed: true, pending: false },
          { deviceId: "w:2", found: true, changed: false, pending: false },
          { deviceId: "w:3", found: true, changed: true, pending: false },
        ],
        version: before + 1,
      });
      expect(await codeOf("w")).toBe("ALLOW");
      expect(await codeOf("w:3")).toBe("DEVICE_REVOKED");
      await store.setRevoked(call(owner), { devicePattern: "*" }, false);
      expect(await codeOf("w:3")).toBe("ALLOW");
      const nothing = await store.setRevoked(call(owner), { devicePattern: "none*" }, true);
      expect(nothing).toMatchObject({ results: [] });
    });

    it.each([["ids"], ["a pattern"]])(
      "names in a dry run of %s what it would change",
      async (by) => {
        await register("a", "b");
        await store.setRevoked(call(owner), ["b"], true);
        const entries = (await fixture.audit(orgId)).length;
        const selection = by === "ids" ? ["a", "none", "b"] : { devicePattern: "*" };
        const before = await store.readOrg(call(owner));
        const dry = await store.setRevoked(call(owner), selection, true, { dryRun: true });
        const all = [
          { deviceId: "a", found: true, changed: true, pending: false },
          { deviceId: "none", found: false, changed: false, pending: false },
          { deviceId: "b", found: true, changed: false, pending: false },
        ];
        expect(dry).toMatchObject({
          results: by === "ids" ? all : all.filter(({ found }) => found),
          version: versionOf(before),
        });
        expect(await store.readOrg(call(owner))).toEqual(before);
        expect(await fixture.audit(orgId)).toHaveLength(entries);
        expect(await codeOf("a")).toBe("ALLOW");
      },
    );

    it("undoes no stop that came after the version its caller has seen", async () => {
      await register("a", "b");
      const first = versionOf(await store.setRevoked(call(owner), ["a"], true));
      await restore(owner, "a");
      const second = versionOf(await store.setRevoked(call(owner), ["a", "b"], true));
      const late = await store.setRevoked(call(owner), ["a"], false, { ifVersion: first });
      expect(late).toEqual({ kind: "version_conflict", version: second });
      const batch = await store.setRevoked(call(owner), { devicePattern: "*" }, false, {
        ifVersion: second - 1,
      });
      expect(batch).toEqual({ kind: "version_conflict", version: second });
      expect([await codeOf("a"), await codeOf("b")]).toEqual(["DEVICE_REVOKED", "DEVICE_REVOKED"]);
      const denied = (await fixture.audit(orgId)).filter(({ code }) => code === "CONFLICT");
      expect(denied).toMatchObject([{ op: "unrevoke", deviceId: "a" }, { op: "unrevoke" }]);
      const seen = await store.setRevoked(call(owner), ["a"], false, { ifVersion: second });
      expect(seen).toMatchObject({ results: [{ changed: true }] });
      // Whoever asks again after a lost answer is told that it is done.
      const again = await store.setRevoked(call(owner), ["a"], false, { ifVersion: second });
      expect(again).toMatchObject({ results: [{ changed: false }] });
    });

    it("writes who changed a device, and why, into the audit", async () => {
      await register("a");
      const operator = await fixture.addKey(owner, "operator");
      await store.setRevoked(call(operator), ["a"], true, { reason: "runs wild" });
      await store.setRevoked(call(operator), ["a"], false, { reason: "mended" });
      await store.remove(call(operator), "a", { reason: "retired" });
      const entries = (await fixture.audit(orgId)).slice(-3);
      const who = { key: keyLabel(operator) };
      expect(entries).toMatchObject([
        { op: "revoke", by: operator.id, detail: { ...who, reason: "runs wild" } },
        { op: "unrevoke", by: operator.id, detail: { ...who, reason: "mended" } },
        { op: "remove", by: operator.id, detail: { ...who, reason: "retired" } },
      ]);
      expect(keyLabel(operator)).toMatch(/^opr_….{4}$/);
    });

    it("lets only keys of its owner, or the org's, restore or remove a device", async () => {
      const agent = await fixture.addKey(owner, "agent", {
        devicePattern: "*",
        deviceOwner: "security",
      });
      const plain = await fixture.addKey(owner, "operator");
      const other = await fixture.addKey(owner, "operator", { deviceOwner: "sales" });
      const mine = await fixture.addKey(owner, "operator", { deviceOwner: "security" });
      const foreign = { kind: "forbidden", reason: "device_owner" };
      await store.register(call(agent), "a");
      await register("free");
      for (const key of [plain, other]) {
        await store.setRevoked(call(key), ["a", "free"], true);
        expect(await restore(key, "a")).toEqual(foreign);
        expect(await store.remove(call(key), "a")).toEqual(foreign);
        const batch = await store.setRevoked(call(key), { devicePattern: "*" }, false);
        expect(batch).toEqual(foreign);
        expect(await codeOf("free")).toBe("DEVICE_REVOKED");
        expect(await restore(key, "free")).toMatchObject({ results: [{ changed: true }] });
      }
      expect(await restore(mine, "a")).toMatchObject({ results: [{ changed: true }] });
      await store.setRevoked(call(plain), ["a"], true);
      expect(await restore(owner, "a")).toMatchObject({ results: [{ changed: true }] });
      expect(await store.remove(call(mine), "a")).toMatchObject({ kind: "removed" });
    });

    it("registers under the owner that is asked for, and not under another's name", async () => {
      const agent = await fixture.addKey(owner, "agent", {
        devicePattern: "*",
        deviceOwner: "one",
      });
      const refused = await store.register(call(agent), "a", { owner: "two" });
      expect(refused).toEqual({ kind: "forbidden", reason: "device_owner" });
      await store.register(call(owner), "b", { owner: "two" });
      await store.register(call(agent), "b");
      await store.register(call(agent), "c", { owner: "one" });
      const listed = await store.listDevices(call(owner));
      expect(listed).toMatchObject({
        devices: [
          { deviceId: "b", owner: "two" },
          { deviceId: "c", owner: "one" },
        ],
      });
    });

    describe("where restores need two keys", () => {
      let first: KeyRecord;
      let second: KeyRecord;
      const pending = { results: [{ changed: false, pending: true }] };
      const restored = { results: [{ changed: true, pending: false }] };

      beforeEach(async () => {
        await register("a");
        first = await fixture.addKey(owner, "operator");
        second = await fixture.addKey(owner, "operator");
        await store.setOrgPolicy(call(owner), { twoPersonRestore: true });
        await store.setRevoked(call(first), ["a"], true);
      });

      it("restores when another key asks for it, too", async () => {
        expect(await restore(first, "a")).toMatchObject(pending);
        expect(await restore(first, "a")).toMatchObject(pending);
        expect(await codeOf("a")).toBe("DEVICE_REVOKED");
        expect(await store.listDevices(call(owner))).toMatchObject({
          devices: [{ restoreRequest: { by: first.id } }],
        });
        expect(await restore(second, "a")).toMatchObject(restored);
        expect(await codeOf("a")).toBe("ALLOW");
        const steps = (await fixture.audit(orgId)).map(({ op, by }) => [op, by]);
        expect(steps).toContainEqual(["unrevoke_request", first.id]);
        expect(steps).toContainEqual(["unrevoke", second.id]);
      });

      it("forgets who asked when the device is revoked again", async () => {
        await restore(first, "a");
        await store.setRevoked(call(second), ["a"], true);
        expect(await restore(second, "a")).toMatchObject(pending);
        await restore(first, "a");
        await store.setRevoked(call(second), ["a"], true);
        expect(await restore(first, "a")).toMatchObject(pending);
      });

      it("does not count a key twice because it was rotated", async () => {
        await restore(first, "a");
        const { secret } = createSecret("operator", fixture.at);
        const rotation = { overlapMs: 60_000, expiresAt: undefined };
        const rotated = await store.rotateKey(call(owner), first.id, secret, rotation);
        if (rotated.kind !== "key") throw new Error(rotated.kind);
        expect(await restore(rotated.key, "a")).toMatchObject(pending);
        expect(await restore(first, "a")).toMatchObject(pending);
        expect(await restore(second, "a")).toMatchObject(restored);
      });

      it("does not count a key that was revoked since, nor a request of yesterday", async () => {
        await restore(first, "a");
        await store.revokeKey(call(owner), first.id);
        expect(await restore(second, "a")).toMatchObject(pending);
        fixture.at += RESTORE_REQUEST_MS;
        expect(await restore(owner, "a")).toMatchObject(pending);
        fixture.at += RESTORE_REQUEST_MS - 1;
        expect(await restore(second, "a")).toMatchObject(restored);
      });

      it("removes no revoked device, since it could be registered anew", async () => {
        const refused = { kind: "forbidden", reason: "two_person" };
        expect(await store.remove(call(first), "a")).toEqual(refused);
        expect(await store.remove(call(owner), "a")).toEqual(refused);
        await register("b");
        expect(await store.remove(call(first), "b")).toMatchObject({ kind: "removed" });
      });

      it.skipIf(createAdapter().forgets)("remembers who asked after reopening", async () => {
        await restore(first, "a");
        await fixture.reopen();
        ({ store } = fixture);
        expect(await restore(first, "a")).toMatchObject(pending);
        expect(await restore(second, "a")).toMatchObject(restored);
      });

      it("takes two keys at once for one restore, and no more", async () => {
        await Promise.all([restore(first, "a"), restore(second, "a")]);
        expect(await codeOf("a")).toBe("ALLOW");
        await store.setRevoked(call(first), ["a"], true);
        expect(await restore(second, "a")).toMatchObject(pending);
      });
    });
  });
}
