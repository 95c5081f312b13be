import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Caller, KeyRecord, Store } from "../../src/authority/index.ts";
import { StoreFixture } from "./store-fixture.ts";
import type { StoreAdapter } from "./store-fixture.ts";

/** How every store must tell of changes. */
export function storeChangeSuite(name: string, createAdapter: () => StoreAdapter): void {
  describe(`store: ${name}: change log`, () => {
    let fixture: StoreFixture;
    let store: Store;
    /** Every call that was made, in order. */
    let calls: Caller[];
    const call = (key: KeyRecord): Caller => {
      const caller = fixture.call(key);
      calls.push(caller);
      return caller;
    };

    beforeEach(async () => {
      calls = [];
      fixture = await StoreFixture.open(createAdapter());
      ({ store } = fixture);
    });
    afterEach(async () => {
      await fixture.store.close();
    });

    it("holds every change once, under its version, and nothing that changed nothing", async () => {
      const { key, org } = await fixture.addOrg("pro");
      const { version: start } = await store.changes(0, 1);
      await store.register(call(key), "a");
      await store.register(call(key), "a");
      await store.register(call(key), "b");
      await store.validate(call(key), "a");
      await store.setRevoked(call(key), ["a", "x", "b", "a"], true);
      await store.setRevoked(call(key), ["a"], true);
      await store.remove(call(key), "x");
      await store.setRevoked(call(key), ["a", "b"], false);
      await store.remove(call(key), "b");
      await store.changeOrg(call(fixture.admin), org.id, { planState: "frozen" });
      const read = await store.changes(start, 100);
      const { at } = fixture;
      const common = { at, orgId: org.id };
      expect(read.changes).toEqual(
        [
          { operation: "register", deviceIds: ["a"], call: 0 },
          { operation: "register", deviceIds: ["b"], call: 2 },
          { operation: "revoke", deviceIds: ["a", "b"], call: 4 },
          { operation: "unrevoke", deviceIds: ["a", "b"], call: 7 },
          { operation: "remove", deviceIds: ["b"], call: 8 },
          { operation: "plan_frozen", deviceIds: [], call: 9 },
        ].map(({ call: place, ...change }, index) => {
          const version = start + 1 + index;
          return { version, ...common, ...change, requestId: calls[place]?.requestId };
        }),
      );
      expect(read.version).toBe(start + 6);
    });

    it("is read in parts", async () => {
      const { key } = await fixture.addOrg("pro");
      const { version } = await store.changes(0, 1);
      for (const deviceId of ["a", "b", "c"]) await store.register(call(key), deviceId);
      expect(await store.changes(version, 2)).toMatchObject({
        version: version + 3,
        changes: [{ deviceIds: ["a"] }, { deviceIds: ["b"] }],
      });
      expect(await store.changes(version + 2, 2)).toMatchObject({
        changes: [{ deviceIds: ["c"] }],
      });
      expect(await store.changes(version + 3, 2)).toMatchObject({
        version: version + 3,
        changes: [],
      });
    });

    it("tells its listeners of commits, with versions that grow, until they end it", async () => {
      const { key } = await fixture.addOrg("pro");
      const told: number[] = [];
      let wanted = Number.POSITIVE_INFINITY;
      let reached = Promise.withResolvers<void>();
      const end = store.onChange((version) => {
        told.push(version);
        if (version >= wanted) reached.resolve();
      });
      const tells = async (version: number): Promise<void> => {
        wanted = version;
        if ((told.at(-1) ?? 0) < version) await reached.promise;
        reached = Promise.withResolvers<void>();
      };
      const { version } = await store.changes(0, 1);
      await Promise.all(["a", "b", "c"].map((deviceId) => store.register(call(key), deviceId)));
      await tells(version + 3);
      await store.setRevoked(call(key), ["a"], true);
      await tells(version + 4);
      expect(told).toEqual(told.toSorted((one, other) => one - other));
      expect(new Set(told).size).toBe(told.length);
      end();
      const before = told.length;
      await store.setRevoked(call(key), ["a"], false);
      await store.changes(0, 1);
      expect(told).toHaveLength(before);
    });

    it.skipIf(createAdapter().forgets)("is kept", async () => {
      const { key } = await fixture.addOrg("pro");
      await store.register(call(key), "a");
      const before = await store.changes(0, 100);
      await fixture.reopen();
      expect(await fixture.store.changes(0, 100)).toEqual(before);
      expect(before.changes).toHaveLength(before.version);
    });
  });
}
