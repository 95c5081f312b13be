import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { hashKey } from "../../src/authority/keys.ts";
import { migrate } from "../../src/authority/store/sqlite/migrations.ts";
import { startTestAuthority, call } from "../support/authority.ts";
import { createScopedKey } from "../support/scoped-keys.ts";

const OWNER_KEY = "org_0123456789abcdef0123456789abcdef";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "machineid-migration-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A file as the first version of the schema left it. */
function createFirstSchema(path: string): void {
  const database = new DatabaseSync(path);
  migrate(database, path, 1);
  database.exec(`
    INSERT INTO orgs VALUES ('org-1', 'default', 5, 'free', 3, 'active', NULL, 0);
    INSERT INTO devices (org_id, device_id, created_at, revoked_at, version)
      VALUES ('org-1', 'a', 6, NULL, 2), ('org-1', 'b', 7, 9, 4);
    UPDATE meta SET value = 4 WHERE name = 'version';
  `);
  const insert = database.prepare("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)");
  insert.run(
    "key_admin",
    hashKey("adm_0123456789abcdef0123456789abcdef"),
    "admin",
    null,
    "cdef",
    4,
  );
  insert.run("key_owner", hashKey(OWNER_KEY), "owner", "org-1", "cdef", 5);
  database.close();
}

it("takes a file of the first schema along, with its devices and keys", async () => {
  const path = join(folder, "store.db");
  createFirstSchema(path);
  await using authority = await startTestAuthority({ path, ownerKey: OWNER_KEY });
  const codeOf = async (deviceId: string): Promise<unknown> => {
    const answer = await call(authority, "POST", "/api/v1/devices/validate", { deviceId });
    return answer.body["code"];
  };
  expect([await codeOf("a"), await codeOf("b")]).toEqual(["ALLOW", "DEVICE_REVOKED"]);
  const keys = await call(authority, "GET", "/api/v1/keys/list");
  expect(keys.body["keys"]).toMatchObject([{ keyId: "key_owner", role: "owner", expiresAt: null }]);
  const operator = await createScopedKey(authority, "operator");
  const asOperator = { ...authority, ownerKey: operator.secret };
  const restored = await call(asOperator, "POST", "/api/v1/devices/unrevoke", { deviceId: "b" });
  expect(restored.body).toMatchObject({ changed: true });
  const org = await call(authority, "GET", "/api/v1/org");
  expect(org.body).toMatchObject({ stopped: false, twoPersonRestore: false });
});
