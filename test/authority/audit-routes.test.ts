import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sqliteStore } from "../../src/authority/index.ts";
import { MachineID } from "../../src/index.ts";
import { cutAudit, decideOften, makeHistory, readAll } from "../support/audit.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { readCursor } from "../../src/authority/audit/cursor.ts";
import { readPage } from "../../src/authority/audit/read-page.ts";
import { failureIn } from "./answers.ts";

const PATH = "/api/v1/audit";
const HOUR_MS = 3_600_000;

type Entry = Record<string, unknown>;

describe("GET /api/v1/audit", () => {
  let authority: TestAuthority;
  let other: TestAuthority;
  beforeAll(async () => {
    authority = await startTestAuthority();
    const created = await call(authority, "POST", "/api/v1/org/create", {});
    other = { ...authority, ownerKey: String(created.body["orgApiKey"]) };
    for (const deviceId of ["a", "b", "日本"]) await makeHistory(authority, deviceId);
    await makeHistory(other, "theirs");
  });
  afterAll(async () => {
    await authority.close();
  });

  it("shows the org's own entries in order, and no other org's", async () => {
    const entries = await readAll(authority);
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 16 }, (_, at) => at + 1));
    expect(JSON.stringify(entries)).not.toContain("theirs");
    expect((await readAll(other)).map(({ deviceId }) => deviceId)).toEqual([
      undefined,
      ...Array.from({ length: 5 }, () => "theirs"),
    ]);
  });

  it("filters by device, code, and both, however small the pages", async () => {
    const all = await readAll(authority);
    const queries = [
      { deviceId: "日本" },
      { code: "DEVICE_REVOKED" },
      { deviceId: "a", code: "ALLOW" },
      { deviceId: "none" },
    ];
    for (const query of queries) {
      const expected = all.filter((entry) =>
        Object.entries(query).every(([field, value]) => entry[field] === value),
      );
      for (const limit of ["1", "3", "1000"]) {
        expect(await readAll(authority, { ...query, limit })).toEqual(expected);
      }
    }
  });

  it("goes backwards from the newest, and says where what comes later will be", async () => {
    const all = await readAll(authority);
    for (const limit of ["1", "7", "1000"]) {
      expect(await readAll(authority, { order: "desc", limit })).toEqual(all.toReversed());
    }
    const { body } = await call(authority, "GET", `${PATH}?order=desc&limit=1`);
    const newer = String(body["newer"]);
    expect(await readAll(authority, { cursor: newer })).toEqual([]);
    await makeHistory(authority, "later");
    const later = await readAll(authority, { cursor: newer, limit: "2" });
    expect(later.map(({ deviceId }) => deviceId)).toEqual(Array.from({ length: 5 }, () => "later"));
  });

  it("delivers every entry once, whatever is appended between pages", async () => {
    await using store = await startTestAuthority();
    const step = fc.record({ limit: fc.integer({ min: 1, max: 5 }), appends: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        let cursor: string | undefined;
        const read: unknown[] = [];
        const page = async (limit: number): Promise<boolean> => {
          const at = cursor === undefined ? "" : `&cursor=${cursor}`;
          const { body } = await call(store, "GET", `${PATH}?limit=${limit}${at}`);
          const entries = body["entries"] as { line: string }[];
          read.push(...entries.map(({ line }) => (JSON.parse(line) as Entry)["seq"]));
          cursor = String(body["cursor"]);
          return body["more"] === true;
        };
        for (const { limit, appends } of steps) {
          await page(limit);
          for (let count = 0; count < appends; count += 1) {
            await call(store, "POST", "/api/v1/devices/validate", { deviceId: "a" });
          }
        }
        while (await page(100));
        expect(read).toEqual(read.map((_, place) => place + 1));
        expect(read).toHaveLength((await readAll(store)).length);
      }),
      { numRuns: 25 },
    );
  });

  it("merges the chains of several writers by time, each entry once", async () => {
    const store = await sqliteStore(":memory:");
    await using one = await startTestAuthority({ store });
    await makeHistory(one, "a");
    const chains = await store.auditChains();
    const real = chains.find(({ orgId }) => orgId !== "");
    if (real === undefined) throw new Error("no chain");
    // A second replica's chain, whose clock was an hour ahead.
    const rows = await store.auditRows(real.id, 0, 100);
    const ahead = rows.map(({ seq, entry }) => ({
      seq,
      entry: entry.replace(/"at":(\d+)/, (_, at) => `"at":${Number(at) + HOUR_MS}`),
    }));
    const second = { ...real, id: 99, writer: "second" };
    const both = {
      auditRows: async (id: number, after: number, limit: number) =>
        id === second.id
          ? ahead.filter(({ seq }) => seq > after).slice(0, limit)
          : store.auditRows(id, after, limit),
    };
    for (const order of ["asc", "desc"] as const) {
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let more = true; more;) {
        const page = await readPage(both, [real, second], {
          order,
          limit: 4,
          cursor: cursor === undefined ? undefined : readCursor(cursor),
          deviceId: undefined,
          code: undefined,
          since: undefined,
        });
        seen.push(...page.entries.map(({ chain, line }) => `${chain} ${line}`));
        ({ cursor, more } = page);
      }
      const expected = [
        ...rows.map(({ entry }) => `${real.writer} ${entry}`),
        ...ahead.map(({ entry }) => `second ${entry}`),
      ];
      expect(seen).toEqual(order === "asc" ? expected : expected.toReversed());
    }
  });

  it("begins at an instant, though the clock was set back a little", async () => {
    let at = 1_800_000_000_000;
    await using store = await startTestAuthority({ now: () => at });
    for (let count = 0; count < 40; count += 1) {
      at += count % 10 === 9 ? -300_000 : 60_000;
      await call(store, "POST", "/api/v1/devices/validate", { deviceId: `d${count}` });
    }
    const all = await readAll(store);
    for (const { at: instant } of all) {
      const since = new Date(Number(instant)).toISOString();
      const expected = all.filter((entry) => Number(entry["at"]) >= Number(instant));
      expect(await readAll(store, { since, limit: "17" })).toEqual(expected);
      const down = await readAll(store, { since, limit: "17", order: "desc" });
      expect(down).toEqual(expected.toReversed());
    }
  });

  it("looks at a bounded part in one request, and goes on from there", async () => {
    await using store = await startTestAuthority();
    await decideOften(store.store, store.ownerKey, "a", 5_100);
    const { body } = await call(store, "GET", `${PATH}?deviceId=none`);
    expect(body).toMatchObject({ entries: [], more: true });
    expect(await readAll(store, { deviceId: "none" })).toEqual([]);
  });

  it("answers pages that a client can read, however large the entries", async () => {
    await using store = await startTestAuthority();
    const client = new MachineID({ orgKey: store.ownerKey, baseUrl: store.url });
    const deviceId = `${"\\".repeat(255)}"`;
    await decideOften(store.store, store.ownerKey, deviceId, 1_500);
    let cursor: string | undefined;
    let count = 0;
    for (;;) {
      const page = await client.audit.read({ limit: 1000, cursor });
      if (!("entries" in page)) throw new Error(JSON.stringify(page));
      const { entries, more } = page as { entries: unknown[]; more: boolean };
      count += entries.length;
      cursor = String(page["cursor"]);
      if (!more) break;
    }
    expect(count).toBe(1_501);
  });

  it.each([
    ["cursor=x", 400],
    ["cursor=a.1", 400],
    ["cursor=a.zzzzzzzzzzz-1", 400],
    ["limit=0", 400],
    ["limit=1001", 400],
    ["limit=1.5", 400],
    ["order=up", 400],
    ["since=yesterday", 400],
    ["code=deny", 400],
    ["deviceId=%00", 400],
    ["devicId=a", 400],
    ["limit=1&limit=2", 400],
  ])("refuses %s", async (query, status) => {
    expect(failureIn(await call(authority, "GET", `${PATH}?${query}`))[0]).toBe(status);
  });

  it("reads a cursor that was made up or is another org's as one of its own chains", async () => {
    const theirs = (await call(other, "GET", PATH)).body["cursor"];
    for (const cursor of [String(theirs), "a.1-zzzzzz", "a.2-zzzzzz.3-zzzzzz", "a.9-9", "d", "a"]) {
      const { status, body } = await call(authority, "GET", `${PATH}?cursor=${cursor}`);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain("theirs");
    }
  });

  it("needs a key that is known", async () => {
    const ownerKey = "org_unknown-0123456789abcdef";
    for (const path of [PATH, "/api/v1/audit/chains"]) {
      expect(failureIn(await call({ ...authority, ownerKey }, "GET", path))).toEqual([
        401,
        "ORG_KEY_INVALID",
      ]);
      expect(failureIn(await call({ ...authority, ownerKey: "" }, "GET", path))).toEqual([
        401,
        "ORG_KEY_MISSING",
      ]);
    }
  });

  it("reads on from a cursor whose entries were removed meanwhile", async () => {
    let at = 1_800_000_000_000;
    const store = await sqliteStore(":memory:");
    await using cut = await startTestAuthority({ store, now: () => at });
    await makeHistory(cut, "old");
    const { body } = await call(cut, "GET", `${PATH}?limit=2`);
    at += HOUR_MS;
    await makeHistory(cut, "new");
    expect(await cutAudit(store, HOUR_MS / 2, () => at)).toBe(6);
    const rest = await readAll(cut, { cursor: String(body["cursor"]) });
    expect(rest.map(({ deviceId }) => deviceId)).toEqual(Array.from({ length: 5 }, () => "new"));
    expect(await readAll(cut, { order: "desc" })).toEqual(rest.toReversed());
  });
});
