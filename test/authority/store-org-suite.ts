import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyAudit } from "../../src/authority/index.ts";
import type { Caller, KeyRecord, Store } from "../../src/authority/index.ts";
import { createKey, keyLabel } from "../../src/authority/keys.ts";
import { createOrgRecord } from "../../src/authority/plan.ts";
import { StoreFixture } from "./store-fixture.ts";
import type { StoreAdapter } from "./store-fixture.ts";

/** What every store must do with orgs, the audit, and itself. */
export function storeOrgSuite(name: string, createAdapter: () => StoreAdapter): void {
  describe(`store: ${name}: orgs and audit`, () => {
    let fixture: StoreFixture;
    let store: Store;
    const call = (key: KeyRecord): Caller => fixture.call(key);
    const codeOf = (key: KeyRecord, deviceId: string): Promise<string> =>
      fixture.codeOf(key, deviceId);

    beforeEach(async () => {
      fixture = await StoreFixture.open(createAdapter());
      ({ store } = fixture);
    });
    afterEach(async () => {
      await fixture.store.close();
    });

    it("changes of an org what is named, and nothing else", async () => {
      const { key, org } = await fixture.addOrg("free");
      await store.register(call(key), "a");
      await store.changeOrg(call(fixture.admin), org.id, { planState: "frozen" });
      expect(await codeOf(key, "a")).toBe("PLAN_FROZEN");
      await store.changeOrg(call(fixture.admin), org.id, {
        planState: "active",
        accessUntil: fixture.at,
      });
      expect(await codeOf(key, "a")).toBe("PLAN_NOT_ACTIVE");
      fixture.at -= 1;
      expect(await codeOf(key, "a")).toBe("ALLOW");
      const changed = await store.changeOrg(call(fixture.admin), org.id, { accessUntil: null });
      expect(changed).toMatchObject({ org: { ...org }, devicesUsed: 1 });
      expect(await codeOf(key, "a")).toBe("ALLOW");
      expect(await store.changeOrg(call(fixture.admin), "none", {})).toEqual({ kind: "not_found" });
    });

    it("bootstraps once", async () => {
      const org = createOrgRecord({}, fixture.at);
      const ownerKey = createKey("owner", org.id, fixture.at).record;
      const { record: adminKey } = createKey("admin", null, fixture.at);
      const given = { requestId: randomUUID(), at: fixture.at, adminKey, org, ownerKey };
      expect(await store.bootstrap({ ...given, ownerKeyGiven: false })).toEqual({
        adminKey: "present",
        ownerKey: "present",
      });
      expect(await store.bootstrap({ ...given, ownerKeyGiven: true })).toMatchObject({
        ownerKey: "unknown",
      });
      expect(await store.listOrgs(call(fixture.admin))).toMatchObject({
        orgs: [{ devicesUsed: 0 }],
      });
    });

    it.skipIf(createAdapter().forgets)("is after reopening what it was before", async () => {
      const { key } = await fixture.addOrg(7);
      for (const deviceId of ["a", "b", "c"]) await store.register(call(key), deviceId);
      await store.validate(call(key), "c");
      await store.setRevoked(call(key), ["b"], true);
      await store.remove(call(key), "a");
      const look = async () => ({
        devices: await store.listDevices(call(key)),
        orgs: await store.listOrgs(call(fixture.admin)),
        usage: await store.usage(call(key)),
      });
      const before = await look();
      await fixture.reopen();
      ({ store } = fixture);
      expect(await look()).toEqual(before);
      expect(await codeOf(key, "b")).toBe("DEVICE_REVOKED");
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
    });

    it("writes every change and every decision into the org's audit", async () => {
      const { key, org } = await fixture.addOrg(1);
      const calls: Caller[] = [];
      const next = (): Caller => {
        const made = call(key);
        calls.push(made);
        return made;
      };
      await store.validate(next(), "a");
      await store.register(next(), "a");
      await store.register(next(), "b");
      await store.validate(next(), "a");
      await store.setRevoked(next(), ["a"], true);
      await store.setRevoked(next(), ["a"], false);
      await store.remove(next(), "a");
      const change = call(fixture.admin);
      await store.changeOrg(change, org.id, { planState: "frozen" }, { reason: "unpaid" });
      const entries = await fixture.audit(org.id);
      expect(entries.map(({ op, deviceId, code, by }) => [op, deviceId, code, by])).toEqual([
        ["org_create", undefined, undefined, fixture.admin.id],
        ["validate", "a", "DEVICE_NOT_REGISTERED", key.id],
        ["register", "a", undefined, key.id],
        ["register", "b", "DEVICE_LIMIT_REACHED", key.id],
        ["validate", "a", "ALLOW", key.id],
        ["revoke", "a", undefined, key.id],
        ["unrevoke", "a", undefined, key.id],
        ["remove", "a", undefined, key.id],
        ["org_change", undefined, undefined, fixture.admin.id],
      ]);
      expect(entries.at(-1)?.["detail"]).toEqual({
        planState: "frozen",
        key: keyLabel(fixture.admin),
        reason: "unpaid",
      });
      expect(entries.slice(1).map((entry) => entry["request_id"])).toEqual(
        [...calls, change].map(({ requestId }) => requestId),
      );
      expect(new Set(entries.map((entry) => entry["at"]))).toEqual(new Set([fixture.at]));
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
    });

    it("knows its administrator's key from every other", async () => {
      const { key } = await fixture.addOrg("free");
      const stranger = createKey("admin", null, fixture.at).record;
      expect(await store.authenticateAdmin(call(fixture.admin))).toEqual({ kind: "admin" });
      for (const other of [key, stranger]) {
        expect(await store.authenticateAdmin(call(other))).toEqual({ kind: "unknown_key" });
      }
    });

    it("tells, if it does, that entries were added to the audit, until nobody listens", async () => {
      const { key } = await fixture.addOrg("free");
      let told = 0;
      const stop = store.onAudit?.(() => (told += 1));
      if (stop === undefined) return;
      await store.register(call(key), "a");
      await store.ready();
      const after = told;
      expect(after).toBeGreaterThan(0);
      await store.listDevices(call(key));
      await store.ready();
      expect(told).toBe(after);
      stop();
      await store.register(call(key), "b");
      await store.ready();
      expect(told).toBe(after);
    });

    it("refuses calls once it is closed, and lets itself be closed again", async () => {
      const { key } = await fixture.addOrg("free");
      await store.close();
      await store.close();
      await expect(store.validate(call(key), "a")).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
      });
    });
  });
}
