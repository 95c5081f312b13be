import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import { temporaryDirectory } from "../cli/spawn.ts";
import { editEntries, readEntries } from "../support/audit-file.ts";
import { call, startTestAuthority } from "../support/authority.ts";

const OWNER_KEY = "org_0123456789abcdef";

let folder: string;
let path: string;

/** Edits the store's file as somebody would who has it. */
function edit(...statements: string[]): void {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  for (const statement of statements) database.exec(statement);
  database.close();
}

const select = (sql: string): Record<string, unknown>[] => {
  const database = new DatabaseSync(path);
  const rows = database.prepare(sql).all();
  database.close();
  return rows;
};

/** Verifies a store from which all that tells of an org's chains was removed. */
async function withoutChains(orgId: string): ReturnType<typeof verifyAudit> {
  using own = temporaryDirectory();
  const copy = own.file("copy.db");
  copyFileSync(path, copy);
  const database = new DatabaseSync(copy);
  database.exec(`DELETE FROM devices; DELETE FROM audit_chains WHERE org_id = '${orgId}'`);
  database.close();
  return await verifyAudit(copy);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "machineid-audit-"));
  path = join(folder, "store.db");
  await using authority = await startTestAuthority({ path, ownerKey: OWNER_KEY });
  const ownerKeys = [authority.ownerKey];
  const created = await call(authority, "POST", "/api/v1/org/create", {});
  ownerKeys.push(String(created.body["orgApiKey"]));
  for (const ownerKey of ownerKeys) {
    for (const operation of ["register", "validate", "revoke", "validate", "unrevoke"]) {
      const caller = { ...authority, ownerKey };
      await call(caller, "POST", `/api/v1/devices/${operation}`, { deviceId: "agent-01" });
    }
  }
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("verifyAudit", () => {
  it("finds an audit sound that nobody touched: three chains, every row and what each began with", async () => {
    expect(await verifyAudit(path)).toEqual({ ok: true, chains: 3, rows: 16 });
  });

  it("finds the change of any row, wherever and however small", async () => {
    const entries = readEntries(path);
    expect(entries).toHaveLength(16);
    for (const { chainId, seq, entry } of entries) {
      const put = (text: string): void =>
        editEntries(path, (one) => (one.chainId === chainId && one.seq === seq ? text : one.entry));
      put(entry.replace('"at":1', '"at":2'));
      expect(await verifyAudit(path)).toMatchObject({
        ok: false,
        problem: { message: expect.any(String) },
      });
      put(entry);
    }
    expect(await verifyAudit(path)).toMatchObject({ ok: true });
  });

  it("finds that any entry is missing: first, middle or last", async () => {
    const whole = select("SELECT CAST(id AS TEXT) AS id, entry FROM audit");
    for (const { chainId, seq } of readEntries(path)) {
      editEntries(path, (one) => (one.chainId === chainId && one.seq === seq ? null : one.entry));
      expect(await verifyAudit(path)).toMatchObject({ ok: false, problem: { seq } });
      for (const { id, entry } of whole) {
        edit(`INSERT OR REPLACE INTO audit VALUES (${String(id)}, '${String(entry)}')`);
      }
    }
    expect(await verifyAudit(path)).toMatchObject({ ok: true });
  });

  it("finds a line that was put in, wherever", async () => {
    for (const { chainId, seq } of readEntries(path)) {
      const before = select("SELECT CAST(id AS TEXT) AS id, entry FROM audit");
      editEntries(path, (one) =>
        one.chainId === chainId && one.seq === seq ? `${one.entry}\n${one.entry}` : one.entry,
      );
      expect(await verifyAudit(path)).toMatchObject({ ok: false });
      for (const { id, entry } of before) {
        edit(`INSERT OR REPLACE INTO audit VALUES (${String(id)}, '${String(entry)}')`);
      }
    }
  });

  it.each([
    [
      "a denial that became an allow",
      `UPDATE audit SET entry = replace(entry, 'DEVICE_REVOKED', 'ALLOW')`,
    ],
    [
      "an entry that is no JSON",
      "UPDATE audit SET entry = 'gone' WHERE id = (SELECT max(id) FROM audit)",
    ],
    [
      "two entries that changed places",
      `UPDATE audit SET entry = (SELECT other.entry FROM audit AS other WHERE other.id = CASE audit.id % 1099511627776 WHEN 2 THEN audit.id + 1 ELSE audit.id - 1 END) WHERE id % 1099511627776 IN (2, 3)`,
    ],
    ["a chain cut short, its head with it", "DELETE FROM audit_chains WHERE org_id <> ''"],
    [
      "an entry behind the end",
      `INSERT INTO audit SELECT max(id) + 1, '{"seq":99,"prev":""}' FROM audit`,
    ],
    ["an empty audit", "DELETE FROM audit; DELETE FROM audit_chains"],
    ["heads that were set back", "UPDATE audit_chains SET seq = seq - 1"],
    [
      "the chain of one org, dropped whole",
      "DELETE FROM audit WHERE id / 1099511627776 = 2; DELETE FROM audit_chains WHERE id = 2",
    ],
    ["a revoked device that was set active", "UPDATE devices SET revoked_at = 1"],
    [
      "a device that was slipped in",
      `INSERT INTO devices (org_id, device_id, created_at, version) SELECT org_id, 'b', 1, 1 FROM devices LIMIT 1`,
    ],
    ["a device that was deleted", "DELETE FROM devices"],
    ["a device with another version", "UPDATE devices SET version = version + 1"],
  ])("finds %s", async (_name, statement) => {
    edit(statement);
    expect(await verifyAudit(path)).toMatchObject({ ok: false });
  });

  it("names a chain that was dropped, though nothing else shows that it was there", async () => {
    edit("UPDATE meta SET value = 'second-writer' WHERE name = 'writer'");
    await using second = await startTestAuthority({ path, ownerKey: OWNER_KEY });
    await call(second, "POST", "/api/v1/devices/validate", { deviceId: "agent-01" });
    await second.close();
    expect(await verifyAudit(path)).toMatchObject({ ok: true, chains: 5 });
    const [chain] = select("SELECT * FROM audit_chains ORDER BY id DESC LIMIT 1");
    edit(
      `DELETE FROM audit WHERE id / 1099511627776 = ${String(chain?.["id"])}`,
      `DELETE FROM audit_chains WHERE id = ${String(chain?.["id"])}`,
    );
    const { problem } = await verifyAudit(path);
    expect(problem).toEqual({
      orgId: chain?.["org_id"],
      writer: "second-writer",
      message: "its audit chain is missing",
    });
  });

  it("names an org without any chain, and the chain of no org", async () => {
    for (const orgId of ["", String(select("SELECT id FROM orgs LIMIT 1")[0]?.["id"])]) {
      const { problem } = await withoutChains(orgId);
      expect(problem).toMatchObject({ orgId, message: "its audit chain is missing" });
    }
  });

  it("verifies a store that is in use, while it is written", async () => {
    await using authority = await startTestAuthority({
      store: await sqliteStore(":memory:"),
    });
    const writing = new AbortController();
    const write = async (): Promise<void> => {
      while (!writing.signal.aborted) {
        await call(authority, "POST", "/api/v1/devices/validate", { deviceId: "a" });
      }
    };
    const writers = [write(), write(), write()];
    for (let turn = 0; turn < 20; turn += 1) {
      expect(await verifyAudit(authority.store)).toMatchObject({ ok: true });
    }
    writing.abort();
    await Promise.all(writers);
  });

  it("makes no file where there is none", async () => {
    await expect(verifyAudit(join(folder, "none.db"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("holds no key in the file, and no key id twice", async () => {
    const dump = JSON.stringify([
      select("SELECT * FROM keys"),
      select("SELECT CAST(id AS TEXT), entry FROM audit"),
    ]);
    expect(dump).not.toMatch(/(org|adm)_[\w-]{20}/);
    expect(select("SELECT id FROM keys")).toHaveLength(3);
  });
});
