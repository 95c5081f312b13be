import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { moveStore, postgresStore, sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import type { MoveProgress, Store } from "../../src/authority/index.ts";
import { createKey, createSecret, keyRecord } from "../../src/authority/keys.ts";
import { createOrgRecord } from "../../src/authority/plan.ts";
import { cutAudit } from "../support/audit.ts";
import { createDatabase } from "../support/postgres.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { prepareOrg } from "./history/history-of.ts";
import type { Prepared } from "./history/history-of.ts";

const DECISIONS = 5_000;

describe("moving a store from a file into PostgreSQL", () => {
  let folder: string;
  let path: string;
  let database: TestDatabase;
  let org: Prepared;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "machineid-move-"));
    path = join(folder, "store.db");
    database = await createDatabase();
    const store = await sqliteStore(path);
    org = await prepareOrg(store, 9);
    for (const deviceId of ["z", "a", "日本語 🛑", "gone", "again"])
      await register(store, deviceId);
    await store.remove(call(), "gone");
    await store.remove(call(), "again");
    await register(store, "again");
    await store.setRevoked(call(), ["a"], true);
    await Promise.all(Array.from({ length: DECISIONS }, () => store.validate(call(), "z")));
    await store.close();
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await database[Symbol.asyncDispose]();
  });

  const call = () => ({ ...org.caller, requestId: randomUUID() });
  const register = (store: Store, deviceId: string) => store.register(call(), deviceId);
  const move = (onProgress?: (progress: MoveProgress) => void) =>
    moveStore({
      from: path,
      to: { url: database.url },
      ...(onProgress === undefined ? {} : { onProgress }),
    });

  /** All that a store has. */
  async function contentOf(store: Store) {
    const chains = await store.auditChains();
    return {
      devices: await store.listDevices(call()),
      usage: await store.usage(call()),
      changes: await store.changes(0, 100),
      org: await store.readOrg(call()),
      keys: await store.listKeys(call()),
      signingKeys: await store.signingKeys(),
      ends: chains.map(({ id: _id, ...chain }) => chain),
      orgIds: (await store.auditSnapshot()).orgs.map((each) => each.orgId),
    };
  }
  async function contentOfFile() {
    // A copy, since looking into a store writes nothing but moves its lock.
    const store = await sqliteStore(path);
    const content = await contentOf(store);
    await store.close();
    return content;
  }

  it("brings everything along, the audit's chains with it, and goes on from there", async () => {
    const before = await contentOfFile();
    const told: MoveProgress[] = [];
    const moved = await move((progress) => told.push(progress));
    expect(moved).toMatchObject({ orgs: 1, devices: 4, resumedAt: 0 });
    expect(told.at(0)).toEqual({ done: 0, total: moved.auditEntries });
    expect(told.at(-1)).toEqual({ done: moved.auditEntries, total: moved.auditEntries });
    expect(told.length).toBeGreaterThan(3);

    const store = await postgresStore({ url: database.url });
    const after = await contentOf(store);
    expect(after).toEqual(before);
    expect(await verifyAudit(store)).toMatchObject({ ok: true, rows: moved.auditEntries });

    // It is the same authority: its keys, its order, and versions that go on growing.
    await register(store, "new");
    const listed = await store.listDevices(call());
    if (listed.kind !== "devices") throw new Error(listed.kind);
    expect(listed.devices.map(({ deviceId }) => deviceId)).toEqual([
      "z",
      "a",
      "日本語 🛑",
      "again",
      "new",
    ]);
    expect(await store.validate(call(), "a")).toMatchObject({
      decision: { code: "DEVICE_REVOKED" },
      version: moved.version + 1,
    });
    const { record } = createKey("owner", org.orgId, 0);
    const added = createOrgRecord({}, 0);
    expect(await store.createOrg(call(), added, record)).toEqual({ kind: "unknown_key" });
    await store.close();
  });

  describe("with keys, restores that wait, and an audit that was cut", () => {
    const DAY_MS = 86_400_000;
    const later = (days: number) => () => org.caller.at + days * DAY_MS;
    const callAt = (days: number) => ({ ...call(), at: later(days)() });
    const addKey = async (store: Store, role: "operator" | "viewer") => {
      const draft = keyRecord(createSecret(role, later(1)()).secret, {
        role,
        orgId: null,
        name: role,
      });
      const made = await store.createKey(callAt(1), draft);
      if (made.kind !== "key") throw new Error(made.kind);
      return made.key;
    };

    beforeEach(async () => {
      const store = await sqliteStore(path);
      const operator = await addKey(store, "operator");
      const viewer = await addKey(store, "viewer");
      await store.revokeKey(callAt(1), viewer.id);
      const { secret } = createSecret("operator", later(1)());
      await store.rotateKey(callAt(1), operator.id, secret, { overlapMs: 1, expiresAt: undefined });
      await store.setOrgPolicy(callAt(1), { twoPersonRestore: true });
      await store.setRevoked(callAt(1), ["a"], false);
      await store.stopOrg(callAt(1));
      await store.resumeOrg(callAt(1));
      await cutAudit(store, DAY_MS / 2, later(1));
      await store.close();
    });

    it("brings them along, and goes on cutting", async () => {
      const before = await contentOfFile();
      const moved = await move();
      const store = await postgresStore({ url: database.url });
      expect(await contentOf(store)).toEqual(before);
      expect(before.keys).toMatchObject({
        keys: [{ role: "owner" }, {}, {}, { role: "operator" }],
      });
      expect(before.ends).toContainEqual(
        expect.objectContaining({ orgId: org.orgId, checkpoint: expect.stringContaining(".") }),
      );
      expect(before.org).toMatchObject({ org: { restoreRequest: { by: expect.any(String) } } });
      expect(moved.auditEntries).toBeLessThan(DECISIONS);
      expect(await verifyAudit(store)).toMatchObject({ ok: true, rows: moved.auditEntries });
      await addKey(store, "viewer");
      const listed = await store.listKeys(callAt(1));
      expect(listed).toMatchObject({ keys: [{ role: "owner" }, {}, {}, {}, { role: "viewer" }] });
      expect(await cutAudit(store, DAY_MS, later(9))).toBeGreaterThan(0);
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
      await store.close();
    });

    it("follows a file that was cut further between two attempts", async () => {
      const stop = ({ done, total }: MoveProgress): void => {
        if (done === total) throw new Error("interrupted");
      };
      await expect(move(stop)).rejects.toThrow("interrupted");
      const again = await sqliteStore(path);
      for (let count = 0; count < 5; count += 1) await again.validate(callAt(5), "z");
      expect(await cutAudit(again, DAY_MS, later(5))).toBeGreaterThan(0);
      await again.close();
      const before = await contentOfFile();
      await move();
      const store = await postgresStore({ url: database.url });
      expect(await contentOf(store)).toEqual(before);
      expect(await verifyAudit(store)).toMatchObject({ ok: true });
      await store.close();
    });

    it("refuses a checkpoint that the authority did not sign", async () => {
      const file = new DatabaseSync(path);
      file.exec("UPDATE audit_chains SET checkpoint = checkpoint || 'A' WHERE cut > 0");
      file.close();
      await expect(move()).rejects.toMatchObject({
        code: "MOVE_REFUSED",
        message: expect.stringContaining("is not what was written"),
      });
    });
  });

  it("serves the file no more", async () => {
    await move();
    await expect(sqliteStore(path)).rejects.toMatchObject({
      code: "STORE_SCHEMA",
      message: expect.stringContaining("was moved to postgres://"),
    });
    const refused = await sqliteStore(path).catch(String);
    expect(refused).not.toContain(new URL(database.url).password);
    await expect(move()).rejects.toMatchObject({
      code: "MOVE_REFUSED",
      message: expect.stringContaining("already"),
    });
  });

  it("goes on where it was interrupted, and lets nobody serve what is half there", async () => {
    const before = await contentOfFile();
    const interrupt = new Error("interrupted");
    const partly = ({ done, total }: MoveProgress): void => {
      if (done > 0 && done < total) throw interrupt;
    };
    await expect(move(partly)).rejects.toBe(interrupt);
    await expect(postgresStore({ url: database.url })).rejects.toMatchObject({
      code: "STORE_SCHEMA",
      message: expect.stringContaining("half filled"),
    });
    // The file is still what is served.
    expect(await contentOfFile()).toEqual(before);
    const moved = await move();
    expect(moved.resumedAt).toBeGreaterThan(0);
    expect(moved.resumedAt).toBeLessThan(moved.auditEntries);
    const store = await postgresStore({ url: database.url });
    const after = await contentOf(store);
    expect(after.devices).toEqual(before.devices);
    expect(await verifyAudit(store)).toMatchObject({ ok: true, rows: moved.auditEntries });
    await store.close();
  });

  it("takes along what the file got between two attempts", async () => {
    const stop = ({ done }: MoveProgress): void => {
      if (done > 0) throw new Error("interrupted");
    };
    await expect(move(stop)).rejects.toThrow("interrupted");
    const again = await sqliteStore(path);
    await again.setRevoked(call(), ["z"], true);
    await again.close();
    await move();
    const store = await postgresStore({ url: database.url });
    expect(await store.validate(call(), "z")).toMatchObject({
      decision: { code: "DEVICE_REVOKED" },
    });
    expect(await verifyAudit(store)).toMatchObject({ ok: true });
    await store.close();
  });

  it("moves nothing into a database that holds another authority's store", async () => {
    const other = await postgresStore({ url: database.url });
    await prepareOrg(other, 3);
    const before = await other.changes(0, 10);
    await expect(move()).rejects.toMatchObject({
      code: "MOVE_REFUSED",
      message: expect.stringContaining("another authority's store"),
    });
    expect(await other.changes(0, 10)).toEqual(before);
    await other.close();
    await (await sqliteStore(path)).close();
  });

  it("cannot be overtaken by a replica that was started on the empty database", async () => {
    const early = await postgresStore({ url: database.url, changeTimeoutMs: 500 });
    const stop = ({ done }: MoveProgress): void => {
      if (done > 0) throw new Error("interrupted");
    };
    await expect(move(stop)).rejects.toThrow("interrupted");
    await expect(prepareOrg(early, 3)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await early.close();
    await expect(move()).resolves.toMatchObject({ orgs: 1 });
  });

  it("refuses a file that somebody serves", async () => {
    const store = await sqliteStore(path);
    await expect(move()).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await store.close();
  });

  it.each([
    [
      "an entry that was changed",
      `UPDATE audit SET entry = replace(entry, '"code":"ALLOW"', '"code":"DENY_"')`,
    ],
    [
      "an entry that is missing",
      `UPDATE audit SET entry = substr(entry, 1, instr(entry, char(10) || '{"seq":2500,'))
          || substr(entry, instr(entry, char(10) || '{"seq":2501,') + 1)
        WHERE entry LIKE '%{"seq":2500,%'`,
    ],
    ["a chain that was cut short", "DELETE FROM audit WHERE id % 1099511627776 > 2500"],
    ["a head that was changed", "UPDATE audit_chains SET head = 'f' || substr(head, 2)"],
  ])("refuses %s, and lets nobody serve the copy", async (_what, sql) => {
    const file = new DatabaseSync(path);
    file.exec(sql);
    file.close();
    await expect(move()).rejects.toMatchObject({
      code: "MOVE_REFUSED",
      message: expect.stringContaining("is not what was written"),
    });
    await expect(postgresStore({ url: database.url })).rejects.toMatchObject({
      code: "STORE_SCHEMA",
    });
  });
});
