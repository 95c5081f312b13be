import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { postgresStore, verifyAudit } from "../../src/authority/index.ts";
import type { Store } from "../../src/authority/index.ts";
import { createKey, createSecret, keyRecord } from "../../src/authority/keys.ts";
import { createSigningKey } from "../../src/authority/signing/signing-key.ts";
import { CHANGES_KEPT } from "../../src/authority/store/changes.ts";
import { createOrgRecord } from "../../src/authority/plan.ts";
import { createDatabase } from "../support/postgres.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { holdTurn } from "./history/hold-turn.ts";
import { historyOf, prepareOrg } from "./history/history-of.ts";
import type { Prepared } from "./history/history-of.ts";

let database: TestDatabase;
const stores: Store[] = [];

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await database[Symbol.asyncDispose]();
});

async function openReplica(url = database.url): Promise<Store> {
  const store = await postgresStore({ url });
  stores.push(store);
  return store;
}

const call = ({ caller }: Prepared) => ({ ...caller, requestId: randomUUID() });

describe("replicas of one PostgreSQL store", () => {
  it("may start at the same time on an empty database: one makes the keys", async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => openReplica()));
    const org = createOrgRecord({}, 0);
    const made = await Promise.all(
      replicas.map((store) =>
        store.bootstrap({
          requestId: randomUUID(),
          at: 0,
          adminKey: createKey("admin", null, 0).record,
          org,
          ownerKey: createKey("owner", org.id, 0).record,
          ownerKeyGiven: false,
        }),
      ),
    );
    expect(made.filter(({ ownerKey }) => ownerKey === "created")).toHaveLength(1);
    expect(made.filter(({ adminKey }) => adminKey === "created")).toHaveLength(1);
    const keys = await database.sql("SELECT role FROM machineid.keys ORDER BY role");
    expect(keys).toEqual([{ role: "admin" }, { role: "owner" }]);
  });

  it.each([
    ["in turns", false],
    ["when none gets a turn", true],
  ])("hold one cap together, against registrations at all of them: %s", async (_how, isTaken) => {
    await using stack = new AsyncDisposableStack();
    if (isTaken) stack.use(await holdTurn(database.url));
    const replicas = await Promise.all(Array.from({ length: 3 }, () => openReplica()));
    const [first] = replicas;
    if (first === undefined) throw new Error("no replica");
    const org = await prepareOrg(first, 7);
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, place) =>
        (replicas[place % 3] ?? first).register(call(org), `device-${place}`),
      ),
    );
    const created = outcomes.filter(
      (outcome) => outcome.kind === "registered" && outcome.registration.outcome === "created",
    );
    expect(created).toHaveLength(7);
    for (const store of replicas) {
      expect(await store.usage(call(org))).toMatchObject({ devicesUsed: 7 });
    }
  });

  it("see each other's changes in the first decision after them", async () => {
    const [one, other] = await Promise.all([openReplica(), openReplica()]);
    const org = await prepareOrg(one, 5);
    await one.register(call(org), "a");
    for (let turn = 0; turn < 20; turn += 1) {
      expect(await other.validate(call(org), "a")).toMatchObject({ decision: { code: "ALLOW" } });
      await one.setRevoked(call(org), ["a"], true);
      expect(await other.validate(call(org), "a")).toMatchObject({
        decision: { code: "DEVICE_REVOKED" },
      });
      await other.setRevoked(call(org), ["a"], false);
      expect(await one.validate(call(org), "a")).toMatchObject({ decision: { code: "ALLOW" } });
    }
  });

  it("write an audit chain each, and take up one that was left", async () => {
    const [one, other] = await Promise.all([openReplica(), openReplica()]);
    const org = await prepareOrg(one, 5);
    const ownChains = async (store: Store) =>
      (await store.auditChains()).filter(({ orgId }) => orgId === org.orgId);
    await Promise.all([one, other].map((store) => store.validate(call(org), "a")));
    expect(await ownChains(one)).toHaveLength(2);
    await one.close();
    const third = await openReplica();
    await third.validate(call(org), "a");
    expect(await ownChains(third)).toHaveLength(2);
    expect(await verifyAudit(third)).toMatchObject({ ok: true });
    expect((await historyOf(third, org, [])).audited.size).toBe(4);
  });

  it("tell their listeners of each other's changes", async () => {
    const [one, other] = await Promise.all([openReplica(), openReplica()]);
    const org = await prepareOrg(one, 5);
    const told = Promise.withResolvers<number>();
    other.onChange((version) => version > 1 && told.resolve(version));
    await one.register(call(org), "a");
    expect(await told.promise).toBe(2);
    expect(await other.changes(1, 10)).toMatchObject({
      changes: [{ version: 2, operation: "register", deviceIds: ["a"], orgId: org.orgId }],
    });
  });

  it("tell of changes whose announcement was lost", async () => {
    const url = new URL(database.url);
    await using proxy = await TcpProxy.open(Number(url.port));
    url.port = String(proxy.port);
    const [one, other] = await Promise.all([openReplica(), openReplica(url.href)]);
    const org = await prepareOrg(one, 5);
    let seen = 0;
    let wake = (): void => undefined;
    other.onChange((version) => {
      seen = version;
      wake();
    });
    const reaches = (version: number): Promise<void> =>
      new Promise((resolve) => {
        wake = () => seen >= version && resolve();
        wake();
      });
    await reaches(1);
    proxy.cutHalfOpen();
    await one.register(call(org), "a");
    await reaches(2);
    expect(seen).toBe(2);
  });

  it("let a stop pass when a replica was cut off in the middle of a change", async () => {
    const url = new URL(database.url);
    await using proxy = await TcpProxy.open(Number(url.port));
    url.port = String(proxy.port);
    const [one, other] = await Promise.all([openReplica(), openReplica(url.href)]);
    const org = await prepareOrg(one, 50);
    await one.register(call(org), "a");
    for (let turn = 0; turn < 5; turn += 1) {
      const changes = Array.from({ length: 5 }, (_, place) =>
        other.register(call(org), `cut-${turn}-${place}`).catch(() => undefined),
      );
      await new Promise((resolve) => setImmediate(resolve));
      proxy.cutHalfOpen();
      const revoked = await one.setRevoked(call(org), ["a"], turn % 2 === 0);
      expect(revoked).toMatchObject({ results: [{ changed: true }] });
      await Promise.all(changes);
    }
    expect(await verifyAudit(one)).toMatchObject({ ok: true });
  });

  it("keep the newest of the change log, and tell that the rest is cut", async () => {
    const store = await openReplica();
    const org = await prepareOrg(store, 5);
    await store.register(call(org), "a");
    await database.sql(`UPDATE machineid.state SET version = ${2 * CHANGES_KEPT}`);
    await store.register(call(org), "b");
    const { version, changes } = await store.changes(1, 10);
    expect(version).toBe(2 * CHANGES_KEPT + 1);
    expect(changes).toMatchObject([{ version, deviceIds: ["b"] }]);
  });

  it("are not misled by an announcement that somebody else made", async () => {
    const [one, other] = await Promise.all([openReplica(), openReplica()]);
    const org = await prepareOrg(one, 5);
    const told: number[] = [];
    const reached = Promise.withResolvers<void>();
    other.onChange((version) => {
      told.push(version);
      if (version === 2) reached.resolve();
    });
    await database.sql("NOTIFY machineid, '999999'");
    await one.register(call(org), "a");
    await reached.promise;
    expect(told.every((version) => version <= 2)).toBe(true);
  });

  it("go on with a change that came along with one that cannot be stored", async () => {
    const store = await openReplica();
    const org = await prepareOrg(store, 5);
    const [poison, sound] = await Promise.allSettled([
      store.register(call(org), "no text\u0000"),
      store.register(call(org), "a"),
    ]);
    expect(poison).toMatchObject({ status: "rejected", reason: { code: "STORE_UNAVAILABLE" } });
    expect(sound).toMatchObject({ value: { registration: { outcome: "created" } } });
  });

  it("agree on what is no version: one first signing key", async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => openReplica()));
    const made = await Promise.all(
      replicas.map(async (store) =>
        store.addFirstSigningKey({ requestId: randomUUID(), at: 0 }, await createSigningKey(0)),
      ),
    );
    expect(new Set(made.flat().map(({ kid }) => kid)).size).toBe(1);
    expect(await database.sql("SELECT count(*) AS keys FROM machineid.signing_keys")).toEqual([
      { keys: "1" },
    ]);
  });

  it.each([
    ["in turns", false],
    ["when none gets a turn", true],
  ])("agree on who asked first where restores need two: %s", async (_how, isTaken) => {
    await using stack = new AsyncDisposableStack();
    if (isTaken) stack.use(await holdTurn(database.url));
    const replicas = await Promise.all([openReplica(), openReplica()]);
    const org = await prepareOrg(replicas[0], 50);
    const { at } = org.caller;
    const draft = keyRecord(createSecret("operator", at).secret, { role: "operator", orgId: null });
    await replicas[0].createKey(call(org), draft);
    const callers = [call(org), { ...call(org), keyHash: draft.hash }] as const;
    const deviceIds = Array.from({ length: 12 }, (_, place) => `device-${place}`);
    for (const deviceId of deviceIds) await replicas[0].register(call(org), deviceId);
    await replicas[0].setRevoked(call(org), deviceIds, true);
    await replicas[0].setOrgPolicy(call(org), { twoPersonRestore: true });
    for (const deviceId of deviceIds) {
      const both = await Promise.all([
        replicas[0].setRevoked(callers[0], [deviceId], false),
        replicas[1].setRevoked(callers[1], [deviceId], false),
      ]);
      const results = both.flatMap((one) => (one.kind === "revocation_changed" ? one.results : []));
      // One of them asked, and the other, who saw that, restored.
      expect(results.filter(({ pending }) => pending)).toHaveLength(1);
      expect(results.filter(({ changed }) => changed)).toHaveLength(1);
    }
    expect(await verifyAudit(replicas[1])).toMatchObject({ ok: true });
  });

  it("say of each of their chains that it was begun, so that none vanishes", async () => {
    const [one, other] = await Promise.all([openReplica(), openReplica()]);
    const org = await prepareOrg(one, 5);
    await one.validate(call(org), "a");
    await other.validate(call(org), "a");
    expect(await verifyAudit(one)).toMatchObject({ ok: true });
    const own = (await one.auditChains()).filter(({ orgId }) => orgId === org.orgId);
    expect(own).toHaveLength(2);
    await database.sql(`DELETE FROM machineid.audit_chains WHERE id = ${own[1]?.id ?? 0}`);
    expect(await verifyAudit(one)).toMatchObject({
      ok: false,
      problem: {
        orgId: org.orgId,
        writer: own[1]?.writer,
        message: expect.stringContaining("missing"),
      },
    });
  });

  it("audit what they refuse to a reader", async () => {
    const store = await openReplica();
    const org = await prepareOrg(store, 5);
    const { at } = org.caller;
    const draft = keyRecord(createSecret("viewer", at).secret, { role: "viewer", orgId: null });
    await store.createKey(call(org), draft);
    const refused = { ...call(org), keyHash: draft.hash };
    expect(await store.listKeys(refused)).toEqual({ kind: "forbidden", reason: "role" });
    const { audited } = await historyOf(store, org, []);
    expect(audited).toContain(refused.requestId);
  });
});
