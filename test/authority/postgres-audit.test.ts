import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { postgresStore, verifyAudit } from "../../src/authority/index.ts";
import type { Store } from "../../src/authority/index.ts";
import { createDatabase } from "../support/postgres.ts";
import type { TestDatabase } from "../support/postgres.ts";
import { prepareOrg } from "./history/history-of.ts";

/* Rows of the audit hold many entries. Whatever is done to one of them is found. */

const WRITTEN = "SELECT count(*)::int AS rows, max(seq)::int AS entries FROM machineid.audit";

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await createDatabase();
  store = await postgresStore({ url: database.url });
  const org = await prepareOrg(store, 5);
  const caller = () => ({ ...org.caller, requestId: randomUUID() });
  await store.register(caller(), "a");
  await Promise.all(Array.from({ length: 40 }, () => store.validate(caller(), "a")));
  await database.sql("CREATE TABLE kept AS SELECT * FROM machineid.audit");
});
afterAll(async () => {
  await store.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await database.sql("DELETE FROM machineid.audit");
  await database.sql("INSERT INTO machineid.audit SELECT * FROM kept");
});

/** Puts something in the place of one line of the last row, which holds several. */
const edit = (line: number, put: string): Promise<unknown> =>
  database.sql(`
    WITH last AS (
      SELECT chain_id, seq, string_to_array(entry, E'\\n') AS lines FROM machineid.audit
      WHERE entry LIKE E'%\\n%' ORDER BY seq DESC LIMIT 1
    )
    UPDATE machineid.audit a SET entry = array_to_string(
      l.lines[:${line - 1}] || ${put.replaceAll("LINE", `l.lines[${line}]`)} || l.lines[${line + 1}:], E'\\n')
    FROM last l WHERE a.chain_id = l.chain_id AND a.seq = l.seq`);

describe("an audit in PostgreSQL whose rows hold many entries", () => {
  it("verifies, and has fewer rows than entries", async () => {
    expect(await verifyAudit(store)).toMatchObject({ ok: true });
    const [written] = await database.sql<{ rows: number; entries: number }>(WRITTEN);
    expect(written?.entries).toBeGreaterThan(40);
    expect(written?.rows).toBeLessThan(30);
  });

  it.each([
    ["an entry was changed", "ARRAY[replace(LINE, 'validate', 'register')]"],
    ["an entry is missing", "ARRAY[]::text[]"],
    ["an entry was put in twice", "ARRAY[LINE, LINE]"],
    ["a line was put in", "ARRAY[LINE, 'gone']"],
  ])("shows that %s, wherever in its row", async (_what, put) => {
    for (const line of [1, 2, 3]) {
      await edit(line, put);
      expect(await verifyAudit(store)).toMatchObject({ ok: false });
      await database.sql("DELETE FROM machineid.audit");
      await database.sql("INSERT INTO machineid.audit SELECT * FROM kept");
    }
    expect(await verifyAudit(store)).toMatchObject({ ok: true });
  });

  it("shows that any row is missing", async () => {
    const rows = await database.sql<{ chain_id: string; seq: string }>(
      "SELECT chain_id, seq FROM kept",
    );
    for (const { chain_id, seq } of rows) {
      await database.sql(
        `DELETE FROM machineid.audit WHERE chain_id = ${chain_id} AND seq = ${seq}`,
      );
      expect(await verifyAudit(store)).toMatchObject({ ok: false });
      await database.sql(
        `INSERT INTO machineid.audit SELECT * FROM kept WHERE chain_id = ${chain_id} AND seq = ${seq}`,
      );
    }
  });

  it("reads the rows of a version that gave each entry one of its own", async () => {
    const chains = await store.auditChains();
    const read = () => Promise.all(chains.map(({ id }) => store.auditRows(id, 0, 1_000)));
    const before = await read();
    await database.sql("DELETE FROM machineid.audit");
    await database.sql(`
      INSERT INTO machineid.audit
      SELECT k.chain_id, k.seq - cardinality(k.lines) + n, line
      FROM (SELECT chain_id, seq, string_to_array(entry, E'\\n') AS lines FROM kept) k,
        unnest(k.lines) WITH ORDINALITY AS l (line, n)`);
    const [written] = await database.sql<{ rows: number; entries: number }>(WRITTEN);
    expect(written?.rows).toBeGreaterThan(40);
    expect(await read()).toEqual(before);
    expect(await verifyAudit(store)).toMatchObject({ ok: true });
  });
});
