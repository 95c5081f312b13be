import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Caller, KeyRecord, Store } from "../../src/authority/index.ts";
import { createKey } from "../../src/authority/keys.ts";
import { StoreFixture } from "./store-fixture.ts";
import type { DevicePage } from "../../src/authority/store/device-store.ts";
import type { StoreAdapter } from "./store-fixture.ts";
import { storeAuditSuite } from "./store-audit-suite.ts";
import { storeChangeSuite } from "./store-change-suite.ts";
import { storeKeySuite } from "./store-key-suite.ts";
import { storeOrgSuite } from "./store-org-suite.ts";
import { storeRestoreSuite } from "./store-restore-suite.ts";
import { storeStandingSuite } from "./store-standing-suite.ts";

/** What every store must do, whatever it is kept in. */
export function storeSuite(name: string, createAdapter: () => StoreAdapter): void {
  storeOrgSuite(name, createAdapter);
  storeChangeSuite(name, createAdapter);
  storeAuditSuite(name, createAdapter);
  storeKeySuite(name, createAdapter);
  storeRestoreSuite(name, createAdapter);
  storeStandingSuite(name, createAdapter);
  describe(`store: ${name}: devices`, () => {
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

    it("validates a device through its whole life", async () => {
      const { key } = await fixture.addOrg("free");
      expect(await codeOf(key, "a")).toBe("DEVICE_NOT_REGISTERED");
      expect(await store.register(call(key), "a")).toMatchObject({
        registration: { outcome: "created" },
        devicesUsed: 1,
      });
      expect(await codeOf(key, "a")).toBe("ALLOW");
      await store.setRevoked(call(key), ["a"], true);
      expect(await codeOf(key, "a")).toBe("DEVICE_REVOKED");
      await store.setRevoked(call(key), ["a"], false);
      expect(await codeOf(key, "a")).toBe("ALLOW");
      expect(await store.remove(call(key), "a")).toMatchObject({ kind: "removed" });
      expect(await codeOf(key, "a")).toBe("DEVICE_NOT_REGISTERED");
      expect(await store.remove(call(key), "a")).toEqual({ kind: "not_found" });
    });

    it("knows no key but those it was given, and each for its own kind of call", async () => {
      const { key, org } = await fixture.addOrg("free");
      const stranger = createKey("owner", org.id, fixture.at).record;
      const unknown = { kind: "unknown_key" };
      for (const wrong of [stranger, fixture.admin]) {
        expect(await store.validate(call(wrong), "a")).toEqual(unknown);
        expect(await store.register(call(wrong), "a")).toEqual(unknown);
        expect(await store.setRevoked(call(wrong), ["a"], true)).toEqual(unknown);
        expect(await store.remove(call(wrong), "a")).toEqual(unknown);
        expect(await store.listDevices(call(wrong))).toEqual(unknown);
        expect(await store.usage(call(wrong))).toEqual(unknown);
      }
      for (const wrong of [stranger, key]) {
        expect(await store.createOrg(call(wrong), org, stranger)).toEqual(unknown);
        expect(await store.listOrgs(call(wrong))).toEqual(unknown);
        expect(await store.changeOrg(call(wrong), org.id, {})).toEqual(unknown);
      }
    });

    it("keeps orgs apart", async () => {
      const one = await fixture.addOrg("free");
      const other = await fixture.addOrg("free");
      await store.register(call(one.key), "a");
      expect(await codeOf(other.key, "a")).toBe("DEVICE_NOT_REGISTERED");
      expect(await store.setRevoked(call(other.key), ["a"], true)).toMatchObject({
        results: [{ deviceId: "a", found: false, changed: false }],
      });
      expect(await codeOf(one.key, "a")).toBe("ALLOW");
    });

    it("decides what is asked at once each for its own key and device", async () => {
      const one = await fixture.addOrg("free");
      const other = await fixture.addOrg("free");
      const stranger = createKey("owner", one.org.id, fixture.at).record;
      await Promise.all([
        store.register(call(one.key), "a"),
        store.register(call(other.key), "b"),
        store.register(call(other.key), "a,b"),
      ]);
      await store.setRevoked(call(other.key), ["b"], true);
      const asked: readonly (readonly [KeyRecord, string, string])[] = [
        [stranger, "a", "unknown_key"],
        [one.key, "a", "ALLOW"],
        [other.key, "a", "DEVICE_NOT_REGISTERED"],
        [fixture.admin, "a", "unknown_key"],
        [other.key, "b", "DEVICE_REVOKED"],
        [one.key, "b", "DEVICE_NOT_REGISTERED"],
        [one.key, "a", "ALLOW"],
        [other.key, "a,b", "ALLOW"],
        [one.key, "a,b", "DEVICE_NOT_REGISTERED"],
        [one.key, '{"a"}', "DEVICE_NOT_REGISTERED"],
        [one.key, "NULL", "DEVICE_NOT_REGISTERED"],
        [one.key, "A", "DEVICE_NOT_REGISTERED"],
      ];
      const codes = await Promise.all(asked.map(([key, deviceId]) => codeOf(key, deviceId)));
      expect(codes).toEqual(asked.map(([, , code]) => code));
    });

    it("never restores a revoked device by registering it", async () => {
      const { key } = await fixture.addOrg("free");
      await store.register(call(key), "a");
      await store.setRevoked(call(key), ["a"], true);
      expect(await store.register(call(key), "a")).toMatchObject({
        registration: { outcome: "blocked", code: "DEVICE_REVOKED" },
      });
      expect(await codeOf(key, "a")).toBe("DEVICE_REVOKED");
    });

    it("frees the place of a revoked device, and takes it back over the cap", async () => {
      const { key } = await fixture.addOrg(1);
      await store.register(call(key), "a");
      expect(await store.register(call(key), "b")).toMatchObject({
        registration: { outcome: "blocked", code: "DEVICE_LIMIT_REACHED" },
      });
      await store.setRevoked(call(key), ["a"], true);
      expect(await store.register(call(key), "b")).toMatchObject({
        registration: { outcome: "created" },
      });
      await store.setRevoked(call(key), ["a"], false);
      expect(await store.usage(call(key))).toMatchObject({ devicesUsed: 2, org: { limit: 1 } });
      expect([await codeOf(key, "a"), await codeOf(key, "b")]).toEqual(["ALLOW", "ALLOW"]);
    });

    it("holds the cap among registrations that come at once", async () => {
      const { key } = await fixture.addOrg("free");
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, device) => store.register(call(key), `d${device}`)),
      );
      const created = outcomes.filter(
        (outcome) => outcome.kind === "registered" && outcome.registration.outcome === "created",
      );
      expect(created).toHaveLength(3);
      expect(await store.usage(call(key))).toMatchObject({ devicesUsed: 3 });
    });

    it("changes a batch as one, under one version, each device once", async () => {
      const { key, org } = await fixture.addOrg("pro");
      for (const deviceId of ["a", "b", "c"]) await store.register(call(key), deviceId);
      await store.setRevoked(call(key), ["b"], true);
      const before = await store.validate(call(key), "a");
      const batch = await store.setRevoked(call(key), ["a", "x", "b", "a", "c"], true);
      const version = before.kind === "validated" ? before.version : 0;
      expect(batch).toEqual({
        kind: "revocation_changed",
        orgId: org.id,
        version: version + 1,
        results: [
          { deviceId: "a", found: true, changed: true, pending: false },
          { deviceId: "x", found: false, changed: false, pending: false },
          { deviceId: "b", found: true, changed: false, pending: false },
          { deviceId: "a", found: true, changed: false, pending: false },
          { deviceId: "c", found: true, changed: true, pending: false },
        ],
      });
      expect(await store.usage(call(key))).toMatchObject({ devicesUsed: 0 });
    });

    it("answers a stop of a stopped device with the version that stopped it", async () => {
      const { key } = await fixture.addOrg("pro");
      await store.register(call(key), "a");
      const stopped = await store.setRevoked(call(key), ["a"], true);
      await store.register(call(key), "b");
      const again = await store.setRevoked(call(key), ["a"], true);
      expect(again).toMatchObject({ results: [{ changed: false }] });
      expect(again).toHaveProperty("version", "version" in stopped ? stopped.version : undefined);
    });

    it("gives every change a version of its own, and decisions the version they read", async () => {
      const { key, org } = await fixture.addOrg("pro");
      const versions: number[] = [];
      const note = (outcome: object): void => {
        versions.push((outcome as { version: number }).version);
      };
      await store.register(call(key), "a");
      note(await store.validate(call(key), "a"));
      note(await store.setRevoked(call(key), ["a"], true));
      note(await store.setRevoked(call(key), ["a"], false));
      note(await store.changeOrg(call(fixture.admin), org.id, { planState: "frozen" }));
      note(await store.remove(call(key), "a"));
      note(await store.validate(call(key), "a"));
      const [first = 0] = versions;
      expect(versions).toEqual([0, 1, 2, 3, 4, 4].map((step) => first + step));
    });

    it("lists a page of what a pattern covers, among devices that it does not", async () => {
      const { key } = await fixture.addOrg("pro");
      for (const deviceId of ["x", "w:1", "y", "w:2", "w", "w:3", "z"]) {
        await store.register(call(key), deviceId);
      }
      const page = async (terms: DevicePage): Promise<unknown> => {
        const listed = await store.listDevices(call(key), terms);
        if (listed.kind !== "devices") throw new Error(listed.kind);
        after = listed.devices.at(-1)?.id ?? 0;
        return [listed.devices.map(({ deviceId }) => deviceId), listed.more];
      };
      let after = 0;
      expect(await page({ devicePattern: "w:*", limit: 2 })).toEqual([["w:1", "w:2"], true]);
      expect(await page({ devicePattern: "w:*", limit: 2, after })).toEqual([["w:3"], false]);
      expect(await page({ devicePattern: "w:*", limit: 3 })).toEqual([
        ["w:1", "w:2", "w:3"],
        false,
      ]);
      expect(await page({ devicePattern: "w", limit: 1 })).toEqual([["w"], false]);
      expect(await page({ limit: 6 })).toEqual([["x", "w:1", "y", "w:2", "w", "w:3"], true]);
      expect(await page({ limit: 6, after })).toEqual([["z"], false]);
    });

    it("lists devices in the order of their registration, whatever they are called", async () => {
      const { key } = await fixture.addOrg("pro");
      const names = [
        "z",
        "__proto__",
        "constructor",
        "toString",
        "日本語 🛑",
        "a",
        "A",
        "hasOwnProperty",
      ];
      for (const deviceId of names) {
        fixture.at += 1;
        await store.register(call(key), deviceId);
        expect(await codeOf(key, deviceId)).toBe("ALLOW");
      }
      await store.setRevoked(call(key), ["__proto__"], true);
      const listed = await store.listDevices(call(key));
      if (listed.kind !== "devices") throw new Error(listed.kind);
      expect(listed.devices.map(({ deviceId }) => deviceId)).toEqual(names);
      expect(listed.devices[1]).toMatchObject({ deviceId: "__proto__", revokedAt: fixture.at });
      expect(listed.devices[2]).toMatchObject({
        createdAt: fixture.at - 5,
        lastSeenAt: fixture.at - 5,
        revokedAt: null,
      });
    });
  });
}
