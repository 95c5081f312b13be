import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Caller, DevicePage, KeyRecord, Store } from "../../src/authority/index.ts";
import { keyLabel } from "../../src/authority/keys.ts";
import { StoreFixture } from "./store-fixture.ts";
import type { StoreAdapter } from "./store-fixture.ts";

/** How every store stops and resumes a whole org, changes plans at once, and lists in pages. */
export function storeStandingSuite(name: string, createAdapter: () => StoreAdapter): void {
  describe(`store: ${name}: standing and pages`, () => {
    let fixture: StoreFixture;
    let store: Store;
    let owner: KeyRecord;
    let orgId: string;
    const call = (key: KeyRecord): Caller => fixture.call(key);
    const codeOf = (deviceId: string): Promise<string> => fixture.codeOf(owner, deviceId);

    beforeEach(async () => {
      fixture = await StoreFixture.open(createAdapter());
      ({ store } = fixture);
      const made = await fixture.addOrg("free");
      owner = made.key;
      orgId = made.org.id;
      await store.register(call(owner), "a");
    });
    afterEach(async () => {
      await fixture.store.close();
    });

    it("stops every device of an org, new ones too, and of no other", async () => {
      const other = await fixture.addOrg("free");
      await store.register(call(other.key), "a");
      const { version: before } = (await store.readOrg(call(owner))) as { version: number };
      const stopped = await store.stopOrg(call(owner), { reason: "incident" });
      expect(stopped).toMatchObject({
        changed: true,
        version: before + 1,
        org: { disabled: true },
      });
      expect([await codeOf("a"), await codeOf("b")]).toEqual(["ORG_DISABLED", "ORG_DISABLED"]);
      expect(await store.register(call(owner), "b")).toMatchObject({
        registration: { outcome: "blocked", code: "ORG_DISABLED" },
      });
      expect(await fixture.codeOf(other.key, "a")).toBe("ALLOW");
      await store.changeOrg(call(fixture.admin), orgId, { planTier: "pro", limit: 25 });
      expect(await codeOf("a")).toBe("ORG_DISABLED");
      const again = await store.stopOrg(call(owner));
      expect(again).toMatchObject({ changed: false, version: before + 1 });
      const resumed = await store.resumeOrg(call(owner), { reason: "over" });
      expect(resumed).toMatchObject({ changed: true, pending: false, org: { disabled: false } });
      expect(await codeOf("a")).toBe("ALLOW");
      expect(await store.resumeOrg(call(owner))).toMatchObject({ changed: false });
      const entries = await fixture.audit(orgId);
      const key = keyLabel(owner);
      expect(entries).toContainEqual(
        expect.objectContaining({
          op: "org_stop",
          detail: { changed: true, key, reason: "incident" },
        }),
      );
      expect(entries).toContainEqual(
        expect.objectContaining({
          op: "org_resume",
          detail: { changed: true, key, reason: "over" },
        }),
      );
    });

    it("resumes no org whose stop came after the version its caller has seen", async () => {
      const { version: seen } = (await store.readOrg(call(owner))) as { version: number };
      const { version } = (await store.stopOrg(call(owner))) as { version: number };
      const late = await store.resumeOrg(call(owner), { ifVersion: seen });
      expect(late).toEqual({ kind: "version_conflict", version });
      expect(await codeOf("a")).toBe("ORG_DISABLED");
      await store.changeOrg(call(fixture.admin), orgId, { planState: "active" });
      expect(await store.resumeOrg(call(owner), { ifVersion: version })).toMatchObject({
        changed: true,
      });
    });

    it("resumes with two keys where restores need two", async () => {
      const first = await fixture.addKey(owner, "operator");
      const second = await fixture.addKey(owner, "operator");
      const policy = await store.setOrgPolicy(call(owner), { twoPersonRestore: true });
      expect(policy).toMatchObject({ changed: true, org: { twoPersonRestore: true } });
      await store.stopOrg(call(first));
      expect(await store.resumeOrg(call(first))).toMatchObject({ changed: false, pending: true });
      await store.stopOrg(call(second));
      expect(await store.resumeOrg(call(second))).toMatchObject({ pending: true });
      expect(await codeOf("a")).toBe("ORG_DISABLED");
      expect(await store.readOrg(call(first))).toMatchObject({
        org: { restoreRequest: { by: second.id } },
      });
      expect(await store.resumeOrg(call(first))).toMatchObject({ changed: true, pending: false });
      expect(await codeOf("a")).toBe("ALLOW");
      const off = await store.setOrgPolicy(call(owner), { twoPersonRestore: false });
      expect(off).toMatchObject({ changed: true, org: { twoPersonRestore: false } });
      await store.stopOrg(call(first));
      expect(await store.resumeOrg(call(first))).toMatchObject({ changed: true });
    });

    it.skipIf(createAdapter().forgets)("is stopped after reopening, as before", async () => {
      await store.setOrgPolicy(call(owner), { twoPersonRestore: true });
      await store.stopOrg(call(owner));
      await store.resumeOrg(call(owner));
      const before = await store.readOrg(call(owner));
      await fixture.reopen();
      ({ store } = fixture);
      expect(await store.readOrg(call(owner))).toEqual(before);
      expect(await codeOf("a")).toBe("ORG_DISABLED");
    });

    it("decides by a changed plan, cap or end from the next call on", async () => {
      const change = (patch: Parameters<Store["changeOrg"]>[2]) =>
        store.changeOrg(call(fixture.admin), orgId, patch);
      await change({ planTier: "custom", limit: 1 });
      expect(await store.register(call(owner), "b")).toMatchObject({
        registration: { code: "DEVICE_LIMIT_REACHED" },
      });
      await change({ limit: 2 });
      expect(await store.register(call(owner), "b")).toMatchObject({
        registration: { outcome: "created" },
      });
      await change({ limit: 0 });
      expect([await codeOf("a"), await codeOf("b")]).toEqual(["ALLOW", "ALLOW"]);
      await change({ accessUntil: fixture.at + 1_000 });
      fixture.at += 999;
      expect(await codeOf("a")).toBe("ALLOW");
      fixture.at += 1;
      expect(await codeOf("a")).toBe("PLAN_NOT_ACTIVE");
      expect(await store.register(call(owner), "c")).toMatchObject({
        registration: { code: "PLAN_NOT_ACTIVE" },
      });
    });

    it("lists in pages that miss none and repeat none, though devices come and go", async () => {
      const { key } = await fixture.addOrg("unlimited");
      const ids = Array.from({ length: 10 }, (_, device) => `w:${device}`);
      for (const deviceId of ids) await store.register(call(key), deviceId);
      await store.register(call(key), "x");
      const page = async (options: DevicePage) => {
        const listed = await store.listDevices(call(key), options);
        if (listed.kind !== "devices") throw new Error(listed.kind);
        return listed;
      };
      const seen: string[] = [];
      let after = 0;
      let more = true;
      while (more) {
        const listed = await page({ limit: 3, after, devicePattern: "w:*" });
        expect(listed.devices.length).toBeLessThanOrEqual(3);
        seen.push(...listed.devices.map(({ deviceId }) => deviceId));
        after = listed.devices.at(-1)?.id ?? after;
        ({ more } = listed);
        if (seen.length === 3) {
          await store.remove(call(key), "w:0");
          await store.remove(call(key), "w:2");
          await store.register(call(key), "w:new");
        }
      }
      expect(seen).toEqual([...ids, "w:new"]);
      expect(await page({ limit: 10 })).toMatchObject({ more: false, devices: { length: 10 } });
      expect(await page({ limit: 9 })).toMatchObject({ more: true, devices: { length: 9 } });
      expect(await page({})).toMatchObject({ more: false, devices: { length: 10 } });
      expect(await page({ devicePattern: "none" })).toMatchObject({ more: false, devices: [] });
    });
  });
}
