import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import { StoreFixture } from "./store-fixture.ts";
import { storeSuite } from "./store-suite.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "machineid-store-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

storeSuite("SQLite in a file", () => ({
  open: () => sqliteStore(join(folder, "store.db")),
}));
storeSuite("SQLite in memory", () => ({ open: () => sqliteStore(":memory:"), forgets: true }));

describe("SQLite store", () => {
  it("works in memory", async () => {
    await using authority = await startTestAuthority({ plan: "free" });
    expect(authority.ownerKey).toMatch(/^org_[\w-]{43}$/);
    expect(authority.adminKey).toMatch(/^adm_[\w-]{43}$/);
  });

  it("makes its file for its owner alone", async () => {
    const path = join(folder, "store.db");
    const store = await sqliteStore(path);
    await store.ready();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it("syncs every commit to disk", async () => {
    const { openDatabase } = await import("../../src/authority/store/sqlite/open-database.ts");
    const database = openDatabase(join(folder, "store.db"));
    expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(database.prepare("PRAGMA locking_mode").get()).toEqual({ locking_mode: "exclusive" });
    database.close();
  });

  it("keeps the rows of a large change so small that one is read quickly", async () => {
    const path = join(folder, "store.db");
    const fixture = await StoreFixture.open({ open: () => sqliteStore(path) });
    const { store } = fixture;
    const { org, key } = await fixture.addOrg("unlimited");
    const ids = Array.from({ length: 600 }, (_, place) => `worker:${place}`);
    await Promise.all(ids.map((id) => store.register(fixture.call(key), id)));
    await store.setRevoked(fixture.call(key), { devicePattern: "*" }, true);
    const told = (await fixture.audit(org.id)).filter(({ op }) => op === "revoke");
    expect(told.map(({ deviceId }) => deviceId)).toEqual(ids.slice(0, told.length));
    await store.close();
    const database = new DatabaseSync(path);
    const longest = "SELECT max(length(entry)) AS longest, count(*) AS rows FROM audit";
    const { longest: most, rows } = database.prepare(longest).get() ?? {};
    database.close();
    expect(Number(most)).toBeLessThan(256 * 400);
    expect(Number(rows)).toBeGreaterThanOrEqual(6);
    expect(Number(rows)).toBeLessThan(20);
    expect((await verifyAudit(path)).ok).toBe(true);
  });

  it("refuses a second owner, and says so", async () => {
    const path = join(folder, "store.db");
    const store = await sqliteStore(path);
    await expect(sqliteStore(path)).rejects.toMatchObject({ code: "STORE_LOCKED", path });
    await store.close();
    await (await sqliteStore(path)).close();
  });

  it("refuses a file of a newer version", async () => {
    const path = join(folder, "store.db");
    await (await sqliteStore(path)).close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(sqliteStore(path)).rejects.toMatchObject({
      code: "STORE_SCHEMA",
      path,
      message: expect.stringContaining("schema 99"),
    });
  });

  it("refuses a database that is not a store, and leaves it as it was", async () => {
    const path = join(folder, "other.db");
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE theirs (id)");
    database.close();
    await expect(sqliteStore(path)).rejects.toMatchObject({ code: "STORE_SCHEMA" });
    const again = new DatabaseSync(path);
    expect(again.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "theirs" }]);
    again.close();
  });

  it("refuses a file that is no database", async () => {
    const path = join(folder, "notes.txt");
    writeFileSync(path, "not a database, and long enough to have a header ".repeat(100));
    await expect(sqliteStore(path)).rejects.toMatchObject({ code: "STORE_SCHEMA" });
  });
});
