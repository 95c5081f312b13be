import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import type { Store, StoreBackup } from "../../src/authority/index.ts";
import { openDatabase } from "../../src/authority/store/sqlite/open-database.ts";
import { storeOn } from "../../src/authority/store/sqlite/sqlite-store.ts";
import { call, startTestAuthority } from "../support/authority.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "machineid-backup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of a store that can be copied. */
function backupOf(store: Store): Promise<StoreBackup> {
  return store.backup?.() ?? Promise.reject(new Error("the store cannot be copied"));
}

async function copyOf(path: string): Promise<StoreBackup> {
  const store = await sqliteStore(path);
  const copy = await backupOf(store);
  await store.close();
  return copy;
}

describe("a backup", () => {
  it("is whole though decisions and changes are made meanwhile", async () => {
    const path = join(folder, "a.db");
    await using authority = await startTestAuthority({ path });
    const register = (deviceId: string) =>
      call(authority, "POST", "/api/v1/devices/register", { deviceId });
    await Promise.all(Array.from({ length: 300 }, (_, n) => register(`before-${n}`)));
    const controller = new AbortController();
    const writing = (async () => {
      for (let n = 0; !controller.signal.aborted; n += 1) await register(`during-${n}`);
    })();
    await using copy = await backupOf(authority.store);
    controller.abort();
    await writing;
    const kept = join(folder, "kept.db");
    copyFileSync(copy.path, kept);
    const database = new DatabaseSync(kept, { readOnly: true });
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    const row = database
      .prepare("SELECT count(*) AS n FROM devices WHERE device_id LIKE 'before-%'")
      .get();
    expect(row?.["n"]).toBe(300);
    database.close();
    expect(await verifyAudit(kept)).toMatchObject({ ok: true });
    // It is a store: it can be served from, with the keys of before.
    await using restored = await startTestAuthority({ path: kept });
    const asked = { ...restored, ownerKey: authority.ownerKey };
    expect(
      await call(asked, "POST", "/api/v1/devices/validate", { deviceId: "before-7" }),
    ).toMatchObject({ body: { code: "ALLOW" } });
  });

  it("waits for a transaction of the owner's that is open when it begins", async () => {
    const database = openDatabase(join(folder, "a.db"));
    const store = storeOn(database);
    database.exec("BEGIN IMMEDIATE");
    const taken = backupOf(store);
    // The other threads have had their turns.
    for (let turn = 0; turn < 20; turn += 1) await stat(folder);
    database.exec("COMMIT");
    await using copy = await taken;
    expect(copy.size).toBeGreaterThan(0);
    await store.close();
  });

  it("does not keep a store that can write no more from being closed", async () => {
    const database = openDatabase(join(folder, "a.db"));
    const store = storeOn(database);
    const taken = backupOf(store).catch(() => undefined);
    database.exec("PRAGMA query_only = 1");
    await store.close();
    expect(database.isOpen).toBe(false);
    await (await taken)?.[Symbol.asyncDispose]();
  });

  it("is its owner's alone, and is gone once it was let go of", async () => {
    const path = join(folder, "a.db");
    const copy = await copyOf(path);
    expect(statSync(copy.path).mode & 0o777).toBe(0o600);
    expect(statSync(copy.path).size).toBe(copy.size);
    await copy[Symbol.asyncDispose]();
    expect(readdirSync(folder)).toEqual(["a.db"]);
  });

  it("clears up what a crash left of the one before", async () => {
    const path = join(folder, "a.db");
    await (await copyOf(path))[Symbol.asyncDispose]();
    writeFileSync(`${path}.copying`, "half a copy", { mode: 0o644 });
    const copy = await copyOf(path);
    expect(statSync(copy.path).mode & 0o777).toBe(0o600);
    await copy[Symbol.asyncDispose]();
  });

  it("is made of a store in memory, too", async () => {
    const copy = await copyOf(":memory:");
    expect(await verifyAudit(copy.path)).toMatchObject({ ok: true });
    await copy[Symbol.asyncDispose]();
  });

  it("is made one at a time, also over HTTP", async () => {
    await using authority = await startTestAuthority({ path: join(folder, "a.db") });
    const { store } = authority;
    {
      await using copy = await backupOf(store);
      expect(copy.size).toBeGreaterThan(0);
      await expect(backupOf(store)).rejects.toMatchObject({ code: "BACKUP_RUNNING" });
      const { status, body } = await call(authority, "POST", "/api/v1/backup");
      expect([status, body["code"]]).toEqual([409, "CONFLICT"]);
    }
    for (let turn = 0; turn < 3; turn += 1) {
      const response = await fetch(`${authority.url}/api/v1/backup`, {
        method: "POST",
        headers: { "x-admin-key": authority.adminKey },
      });
      const bytes = await response.bytes();
      expect(bytes.byteLength).toBe(Number(response.headers.get("content-length")));
      expect(Buffer.from(bytes.subarray(0, 15)).toString()).toBe("SQLite format 3");
    }
    expect(readdirSync(folder).filter((name) => name.includes("copying"))).toEqual([]);
  });

  it("is the administrator's alone", async () => {
    await using authority = await startTestAuthority({ path: join(folder, "a.db") });
    for (const adminKey of ["", authority.ownerKey, "adm_stranger-0123456789abcdef"]) {
      const { status } = await call({ ...authority, adminKey }, "POST", "/api/v1/backup");
      expect(status).toBe(401);
    }
    expect(readdirSync(folder).filter((name) => name.includes("copying"))).toEqual([]);
  });

  it("of a store that cannot be copied is not there, and meta does not name it", async () => {
    const store = await sqliteStore(":memory:");
    Object.assign(store, { backup: undefined });
    await using authority = await startTestAuthority({ store });
    expect((await call(authority, "POST", "/api/v1/backup")).status).toBe(404);
    const { body } = await call(authority, "GET", "/api/v1/meta");
    expect(body["features"]).not.toContain("backup");
  });

  it("that its reader leaves half read lets the next one be made", async () => {
    await using authority = await startTestAuthority({ path: join(folder, "a.db") });
    const ask = () =>
      fetch(`${authority.url}/api/v1/backup`, {
        method: "POST",
        headers: { "x-admin-key": authority.adminKey },
      });
    await (await ask()).body?.cancel();
    for (;;) {
      const { status, body } = await ask();
      await body?.cancel();
      if (status === 200) break;
      expect(status).toBe(409);
    }
  });
});
