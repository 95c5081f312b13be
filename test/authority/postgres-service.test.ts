import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { postgresStore, sqliteStore } from "../../src/authority/index.ts";
import type { Store } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import { live, openEvents } from "../support/event-reader.ts";
import { createDatabase } from "../support/postgres.ts";
import { prepareOrg } from "./history/history-of.ts";

/** Holds a table, as a migration by hand would, until it is let go. */
async function holdDevices(url: string): Promise<AsyncDisposable> {
  const { Client } = await import("pg");
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("BEGIN; LOCK TABLE machineid.devices IN ACCESS EXCLUSIVE MODE");
  return { [Symbol.asyncDispose]: () => client.end() };
}

describe("what a replica on PostgreSQL tells of its work", () => {
  it("counts calls that were committed together, decisions and changes alike", async () => {
    await using database = await createDatabase();
    const store = await postgresStore({ url: database.url });
    const org = await prepareOrg(store, 5);
    const caller = () => ({ ...org.caller, requestId: randomUUID() });
    const { statistics } = store;
    const before = statistics?.batchSizes.sum ?? Number.NaN;
    const asked = [
      store.register(caller(), "a"),
      ...Array.from({ length: 20 }, () => store.validate(caller(), "a")),
    ];
    expect(statistics?.waitingSince).toBeLessThanOrEqual(performance.now());
    await Promise.all(asked);
    expect(statistics).toMatchObject({ failures: 0, waitingSince: undefined });
    expect(statistics?.batchSizes.sum).toBe(before + 21);
    const batches = statistics?.batchSizes.counts.reduce((sum, count) => sum + count, 0);
    expect(batches).toBeLessThan(15);
    expect(statistics?.commitSeconds.counts.reduce((sum, count) => sum + count, 0)).toBe(batches);
    await store.close();
  });

  it("counts what it could not commit in time, and waits for it no more", async () => {
    await using database = await createDatabase();
    const store = await postgresStore({ url: database.url });
    const org = await prepareOrg(store, 5);
    {
      await using stack = new AsyncDisposableStack();
      stack.use(await holdDevices(database.url));
      await expect(store.validate(org.caller, "a")).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
      });
    }
    await store.close();
    expect(store.statistics).toMatchObject({ failures: 1, waitingSince: undefined });
  });

  it("shows them in its metrics", async () => {
    await using database = await createDatabase();
    const store = await postgresStore({ url: database.url });
    await using authority = await startTestAuthority({ store });
    await live(authority, "a", ["register", "validate"]);
    const headers = { "x-admin-key": authority.adminKey };
    const text = await (await fetch(`${authority.url}/metrics`, { headers })).text();
    expect(text).toMatch(/^machineid_store_batch_size_count [1-9]/m);
    expect(text).toMatch(/^machineid_store_failures_total 0$/m);
    expect(text).toMatch(/^machineid_audit_lag_seconds \d/m);
  });
});

describe("events of replicas on PostgreSQL", () => {
  it("are told by each replica, whichever made them", async () => {
    await using database = await createDatabase();
    await using one = await startTestAuthority({
      store: await postgresStore({ url: database.url }),
    });
    await using other = await startTestAuthority({
      store: await postgresStore({ url: database.url }),
    });
    const key = { ownerKey: one.ownerKey };
    await using own = await openEvents(one);
    await using others = await openEvents({ ...other, ...key });
    const told = async (reader: typeof own, count: number) =>
      (await reader.take(count)).map(({ data }) => data["operation"]);
    await live(one, "a", ["register"]);
    expect(await told(own, 1)).toEqual(["register"]);
    expect(await told(others, 1)).toEqual(["register"]);
    await live(one, "a", ["validate"]);
    expect(await told(own, 1)).toEqual(["validate"]);
    expect(await told(others, 1)).toEqual(["validate"]);
    await live({ ...other, ...key }, "a", ["revoke"]);
    expect(await told(own, 1)).toEqual(["revoke"]);
    expect(await told(others, 1)).toEqual(["revoke"]);
  });
});

describe("words that PostgreSQL cannot hold", () => {
  it.each([
    ["sqlite", () => sqliteStore(":memory:")],
    ["postgres", (url: string) => postgresStore({ url })],
  ])("are refused by the authority, and not by the store: %s", async (_name, open) => {
    await using database = await createDatabase();
    await using authority = await startTestAuthority({ store: await open(database.url) });
    await live(authority, "a", ["register"]);
    for (const bad of ["a\0b", "\0", "a\ud800b"]) {
      for (const [operation, body] of [
        ["org/create", { name: bad }],
        ["org/plan", { orgId: bad, planState: "active" }],
        ["org/stop", { reason: bad }],
        ["keys/create", { role: "viewer", name: bad }],
        ["keys/create", { role: "agent", devicePattern: "*", deviceOwner: bad }],
        ["keys/revoke", { keyId: bad }],
        ["keys/rotate", { keyId: bad }],
        ["devices/register", { deviceId: "b", owner: bad }],
        ["devices/revoke", { deviceId: "a", reason: bad }],
      ] as const) {
        const { status } = await call(authority, "POST", `/api/v1/${operation}`, body);
        expect([operation, bad, status]).toEqual([operation, bad, 400]);
      }
    }
    expect((await call(authority, "POST", "/api/v1/org/create", { name: "fine" })).status).toBe(
      200,
    );
  });
});

describe("reading all of a store", () => {
  it("may take longer than other calls may, and keeps none of them waiting", async () => {
    await using database = await createDatabase();
    const store: Store = await postgresStore({ url: database.url, changeTimeoutMs: 1_500 });
    const org = await prepareOrg(store, 5);
    await store.register(org.caller, "a");
    let snapshot: ReturnType<Store["auditSnapshot"]>;
    {
      await using stack = new AsyncDisposableStack();
      stack.use(await holdDevices(database.url));
      snapshot = store.auditSnapshot();
      await expect(store.listDevices(org.caller)).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
      });
      expect(await store.auditChains()).toHaveLength(2);
    }
    expect((await snapshot).orgs).toMatchObject([{ devices: [{ deviceId: "a" }] }]);
    await store.close();
  });
});
