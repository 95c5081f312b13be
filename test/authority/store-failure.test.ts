import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyAudit } from "../../src/authority/index.ts";
import type { StoreUnavailableError } from "../../src/authority/index.ts";
import { hashKey } from "../../src/authority/keys.ts";
import { openDatabase } from "../../src/authority/store/sqlite/open-database.ts";
import { storeOn } from "../../src/authority/store/sqlite/sqlite-store.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { Answer, TestAuthority } from "../support/authority.ts";
import { failureIn } from "./answers.ts";

describe("a store that takes no more writes", () => {
  let folder: string;
  let database: DatabaseSync;
  let authority: TestAuthority;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "machineid-full-"));
    database = openDatabase(join(folder, "store.db"));
    authority = await startTestAuthority({ plan: 5, store: storeOn(database) });
    await post("register", { deviceId: "before" });
  });
  afterEach(async () => {
    await authority.close();
    rmSync(folder, { recursive: true });
  });

  const post = (operation: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/devices/${operation}`, body);
  const usage = async () => (await call(authority, "GET", "/api/v1/usage")).body["devicesUsed"];

  /** The disk is as full as it is now. */
  const fill = (): void => {
    database.exec("PRAGMA max_page_count = 1");
  };
  const empty = (): void => {
    database.exec("PRAGMA max_page_count = 1000000");
  };
  /** Registers devices until the last page is used up. */
  async function exhaust(): Promise<Answer> {
    fill();
    for (let turn = 0; turn < 1_000; turn += 1) {
      const answer = await post("validate", { deviceId: "before" });
      if (answer.status !== 200) return answer;
    }
    throw new Error("the disk is never full");
  }

  it("503: denies, and says nothing of the disk", async () => {
    const refused = await exhaust();
    expect(failureIn(refused)).toEqual([503, "STORE_UNAVAILABLE"]);
    for (const operation of ["register", "validate", "revoke"]) {
      expect(failureIn(await post(operation, { deviceId: "before" }))).toEqual([
        503,
        "STORE_UNAVAILABLE",
      ]);
    }
  });

  it("applies nothing by halves, and remembers nothing that was not committed", async () => {
    await exhaust();
    await Promise.all([
      post("register", { deviceId: "never" }),
      post("revoke", { deviceId: "before" }),
      post("validate", { deviceId: "before" }),
    ]);
    expect(await usage()).toBe(1);
    const list = await call(authority, "GET", "/api/v1/devices/list");
    expect(list.body["devices"]).toMatchObject([{ deviceId: "before", revoked: false }]);
  });

  it("recovers by itself when there is room again", async () => {
    await exhaust();
    empty();
    expect((await post("validate", { deviceId: "before" })).body).toMatchObject({ allowed: true });
    expect((await post("register", { deviceId: "after" })).body).toMatchObject({ status: "ok" });
    expect((await post("revoke", { deviceId: "before" })).body).toMatchObject({ changed: true });
    expect((await post("validate", { deviceId: "before" })).body).toMatchObject({ allowed: false });
    expect(await usage()).toBe(1);
    expect(await verifyAudit(authority.store)).toMatchObject({ ok: true });
  });

  it("gives no version twice", async () => {
    const before = await post("revoke", { deviceId: "before" });
    await exhaust();
    await post("unrevoke", { deviceId: "before" });
    empty();
    const after = await post("unrevoke", { deviceId: "before" });
    expect(after.body["version"]).toBe(Number(before.body["version"]) + 1);
  });

  it("fails all of a group, when one of it fails, and audits none of it", async () => {
    fill();
    const keyHash = hashKey(authority.ownerKey);
    const ids = new Map<string, string>();
    let group: string[];
    do {
      group = await Promise.all(
        Array.from({ length: 7 }, async () => {
          const requestId = randomUUID();
          const decided = authority.store.validate({ keyHash, requestId, at: 0 }, "before");
          const said = await decided.then(
            ({ kind }) => kind,
            (error: unknown) => (error as StoreUnavailableError).code,
          );
          ids.set(requestId, said);
          return said;
        }),
      );
    } while (group.includes("validated") && ids.size < 10_000);
    expect(new Set(group)).toEqual(new Set(["STORE_UNAVAILABLE"]));
    const rows = new Set<string>();
    for (const chain of await authority.store.auditChains()) {
      for (const { entry } of await authority.store.auditRows(chain.id, 0, chain.seq)) {
        rows.add((JSON.parse(entry) as { request_id: string }).request_id);
      }
    }
    for (const [id, said] of ids) expect([id, rows.has(id)]).toEqual([id, said === "validated"]);
  });

  it("503: is not ready when nothing can be written", async () => {
    database.exec("PRAGMA query_only = ON");
    const refused = await call(authority, "GET", "/readyz");
    expect(failureIn(refused)).toEqual([503, "STORE_UNAVAILABLE"]);
    expect((await call(authority, "GET", "/healthz")).status).toBe(200);
    database.exec("PRAGMA query_only = OFF");
    expect((await call(authority, "GET", "/readyz")).status).toBe(200);
  });
});
