import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyAudit } from "../../src/authority/index.ts";
import type { AuditChain, Caller, KeyRecord, Store } from "../../src/authority/index.ts";
import { createKey } from "../../src/authority/keys.ts";
import { createSigningKey } from "../../src/authority/signing/signing-key.ts";
import { cutAudit } from "../support/audit.ts";
import { StoreFixture } from "./store-fixture.ts";
import type { StoreAdapter } from "./store-fixture.ts";

const DAY_MS = 86_400_000;

/** What every store must do with its audit and its signing keys. */
export function storeAuditSuite(name: string, createAdapter: () => StoreAdapter): void {
  describe(`store: ${name}: audit chains and signing keys`, () => {
    let fixture: StoreFixture;
    let store: Store;
    let key: KeyRecord;
    let orgId: string;
    const call = (by: KeyRecord = key): Caller => fixture.call(by);
    const now = (): number => fixture.at;

    beforeEach(async () => {
      fixture = await StoreFixture.open(createAdapter());
      ({ store } = fixture);
      const added = await fixture.addOrg("pro");
      ({ key } = added);
      orgId = added.org.id;
    });
    afterEach(async () => {
      await fixture.store.close();
    });

    const chainOf = async (): Promise<AuditChain> => {
      const chain = (await store.auditChains()).find((one) => one.orgId === orgId);
      if (chain === undefined) throw new Error("no chain");
      return chain;
    };
    const ops = async (): Promise<unknown[]> => {
      const { id, cut } = await chainOf();
      const rows = await store.auditRows(id, cut, 1_000);
      return rows.map(({ entry }) => (JSON.parse(entry) as { op: unknown }).op);
    };

    it("opens the audit of the caller's org alone", async () => {
      const other = await fixture.addOrg("free");
      await store.validate(call(), "a");
      const opened = await store.openAudit(call());
      expect(opened).toEqual({ kind: "audit", orgId, chains: [await chainOf()] });
      expect(await store.openAudit(call(other.key))).toMatchObject({ orgId: other.org.id });
      const stranger = createKey("owner", orgId, fixture.at).record;
      expect(await store.openAudit(call(stranger))).toEqual({ kind: "unknown_key" });
      expect(await store.openAudit(call(fixture.admin))).toEqual({ kind: "unknown_key" });
    });

    it("says of which org a decision is", async () => {
      expect(await store.validate(call(), "a")).toMatchObject({ orgId });
    });

    it("leaves an allow out of the audit when told to, and never a denial", async () => {
      await store.register(call(), "a");
      const before = await ops();
      expect(await store.validate(call(), "a", false)).toMatchObject({
        decision: { allowed: true },
      });
      expect(await ops()).toEqual(before);
      await store.validate(call(), "unknown", false);
      await store.validate(call(), "a", true);
      await store.validate(call(), "a");
      expect(await ops()).toEqual([...before, "validate", "validate", "validate"]);
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
    });

    it("notes in the chain of no org that it began a chain", async () => {
      const chain = (await store.auditChains()).find((one) => one.orgId === "");
      const rows = await store.auditRows(chain?.id ?? 0, 0, 1_000);
      const opened = rows.flatMap(({ entry }) => {
        const { op, detail } = JSON.parse(entry) as { op: string; detail: { org: string } };
        return op === "chain_open" ? [detail.org] : [];
      });
      const orgs = (await store.auditSnapshot()).orgs.map((org) => org.orgId);
      expect(opened.toSorted()).toEqual(orgs.toSorted());
    });

    it("tells of devices and chains as they are at one moment", async () => {
      await store.register(call(), "a");
      const snapshot = await store.auditSnapshot();
      const listed = await store.listDevices(call());
      expect(snapshot.orgs.find((one) => one.orgId === orgId)).toEqual({
        orgId,
        devices: listed.kind === "devices" ? listed.devices : [],
      });
      expect(snapshot.chains).toEqual(await store.auditChains());
    });

    it("has devices that its audit replays to, whatever was done to them", async () => {
      for (const deviceId of ["a", "b", "c", "__proto__"]) await store.register(call(), deviceId);
      await store.setRevoked(call(), ["a", "b", "x"], true);
      await store.setRevoked(call(), ["a", "a", "c"], false);
      await store.setRevoked(call(), ["b"], true);
      await store.remove(call(), "c");
      await store.register(call(), "c");
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
    });

    it("cuts a chain where it is told to, once, and never behind its end", async () => {
      for (const deviceId of ["a", "b", "c", "d"]) await store.validate(call(), deviceId);
      const { id, seq } = await chainOf();
      expect(seq).toBe(5);
      await store.cutAudit({ chainId: id, seq: 3, checkpoint: "one" });
      await store.cutAudit({ chainId: id, seq: 2, checkpoint: "earlier" });
      await store.cutAudit({ chainId: id, seq: 6, checkpoint: "behind" });
      expect(await chainOf()).toMatchObject({ cut: 3, checkpoint: "one", seq: 5 });
      expect((await store.auditRows(id, 0, 10)).map((row) => row.seq)).toEqual([4, 5]);
      await store.cutAudit({ chainId: id, seq: 3, checkpoint: "anew" });
      expect(await chainOf()).toMatchObject({ cut: 3, checkpoint: "anew" });
      await store.validate(call(), "e");
      expect(await chainOf()).toMatchObject({ cut: 3, seq: 6 });
    });

    it("reads and cuts one by one what was written together", async () => {
      const together = Array.from({ length: 60 }, (_, place) => `device-${place}`);
      await Promise.all(together.map((deviceId) => store.validate(call(), deviceId)));
      const { id, seq } = await chainOf();
      const whole = await store.auditRows(id, 0, 1_000);
      expect(whole.map((row) => row.seq)).toEqual(Array.from({ length: seq }, (_, at) => at + 1));
      expect(whole.map(({ entry }) => (JSON.parse(entry) as { seq: number }).seq)).toEqual(
        whole.map((row) => row.seq),
      );
      for (let after = 0; after <= seq; after += 1) {
        expect(await store.auditRows(id, after, 7)).toEqual(whole.slice(after, after + 7));
      }
      for (const cut of [1, 2, 20, 21, 40, seq - 1]) {
        await store.cutAudit({ chainId: id, seq: cut, checkpoint: `until ${cut}` });
        expect(await store.auditRows(id, 0, 1_000)).toEqual(whole.slice(cut));
        expect(await store.auditRows(id, cut, 3)).toEqual(whole.slice(cut, cut + 3));
      }
      await store.validate(call(), "later");
      expect((await store.auditRows(id, seq - 1, 10)).map((row) => row.seq)).toEqual([
        seq,
        seq + 1,
      ]);
    });

    it("verifies after old entries were removed, and goes on being written", async () => {
      await store.register(call(), "a");
      await store.setRevoked(call(), ["a"], true);
      fixture.at += 10 * DAY_MS;
      await store.register(call(), "b");
      expect(await cutAudit(store, DAY_MS, now)).toBe(3);
      expect(await chainOf()).toMatchObject({ cut: 3, seq: 4 });
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
      await store.setRevoked(call(), ["a"], false);
      fixture.at += 10 * DAY_MS;
      expect(await cutAudit(store, DAY_MS, now)).toBe(1);
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
      expect(await fixture.codeOf(key, "a")).toBe("ALLOW");
    });

    it("keeps the first signing key that it is given, and notes its making", async () => {
      const first = await createSigningKey(fixture.at);
      const other = await createSigningKey(fixture.at);
      const caller = { requestId: randomUUID(), at: fixture.at };
      expect(await store.signingKeys()).toEqual([]);
      const both = await Promise.all([
        store.addFirstSigningKey(caller, first),
        store.addFirstSigningKey(caller, other),
      ]);
      expect(both).toEqual([[first], [first]]);
      expect(await store.signingKeys()).toEqual([first]);
    });

    it("rotates the signing key for the administrator alone", async () => {
      const first = await createSigningKey(fixture.at);
      await store.addFirstSigningKey({ requestId: randomUUID(), at: fixture.at }, first);
      const next = await createSigningKey(fixture.at);
      expect(await store.rotateSigningKey(call(), next, 0)).toEqual({ kind: "unknown_key" });
      const rotated = await store.rotateSigningKey(call(fixture.admin), next, 1_000);
      const keys = [
        { ...first, publishedUntil: fixture.at + 2_000 },
        { ...next, signsFrom: fixture.at + 1_000 },
      ];
      expect(rotated).toEqual({ kind: "signing_key_rotated", keys });
      expect(await store.signingKeys()).toEqual(keys);
      const third = await createSigningKey(fixture.at);
      expect(await store.rotateSigningKey(call(fixture.admin), third, 1_000)).toEqual({
        kind: "conflict",
      });
      await store.rotateSigningKey(call(fixture.admin), third, 0);
      expect(await store.signingKeys()).toMatchObject([
        { kid: first.kid, privateKey: null, publishedUntil: fixture.at },
        { kid: next.kid, privateKey: null, publishedUntil: fixture.at },
        { ...third, publishedUntil: null },
      ]);
    });
  });
}
