import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";

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

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "machineid-audit-"));
  path = join(folder, "store.db");
  await using authority = await startTestAuthority({ path });
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
    const ids = select("SELECT CAST(id AS TEXT) AS id, entry FROM audit");
    expect(ids).toHaveLength(16);
    for (const { id, entry } of ids) {
      edit(`UPDATE audit SET entry = replace(entry, '"at":1', '"at":2') WHERE id = ${String(id)}`);
      expect(await verifyAudit(path)).toMatchObject({
        ok: false,
        problem: { message: expect.any(String) },
      });
      edit(`UPDATE audit SET entry = '${String(entry)}' WHERE id = ${String(id)}`);
    }
    expect(await verifyAudit(path)).toMatchObject({ ok: true });
  });

  it("finds that any row is missing: first, middle or last", async () => {
    for (const { id, entry } of select("SELECT CAST(id AS TEXT) AS id, entry FROM audit")) {
      edit(`DELETE FROM audit WHERE id = ${String(id)}`);
      const { problem } = await verifyAudit(path);
      expect(problem).toMatchObject({
        seq: (JSON.parse(String(entry)) as { seq: number }).seq,
        message: "the entry is missing",
      });
      edit(`INSERT INTO audit VALUES (${String(id)}, '${String(entry)}')`);
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
