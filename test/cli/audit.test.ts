import { statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sqliteStore } from "../../src/authority/index.ts";
import { cutAudit, makeHistory } from "../support/audit.ts";
import { LeaseClient } from "../support/lease-client.ts";
import { runCli, startCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Finished, Served, TemporaryDirectory } from "./spawn.ts";

let directory: TemporaryDirectory;
let served: Served;

beforeAll(async () => {
  directory = temporaryDirectory();
  served = await startServe(directory.file("audit.db"));
  for (const deviceId of ["a", "b"]) await makeHistory(served, deviceId);
  await saveKeys(served, "jwks.json");
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const run = (...args: string[]): Promise<Finished> =>
  runCli(["audit", ...args], { env: served.env, cwd: directory.path });

async function saveKeys({ url }: Pick<Served, "url">, name: string): Promise<void> {
  const answer = await fetch(`${url}/.well-known/jwks.json`);
  writeFileSync(directory.file(name), await answer.text());
}

const linesOf = (text: string): string[] => text.trimEnd().split("\n");
const problemOf = ({ stdout }: Finished): unknown =>
  (JSON.parse(stdout) as { problem: unknown }).problem;

describe("audit tail", () => {
  test("shows the newest entries, oldest first, and no more than asked for", async () => {
    const { code, stdout } = await run("tail", "--lines", "3");
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    expect(lines.map((line) => line.split("  ").slice(1, 3))).toEqual([
      ["revoke", "b"],
      ["validate", "b"],
      ["unrevoke", "b"],
    ]);
    expect(lines[1]).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}validate {2}b {2}DEVICE_REVOKED {2}by key_/,
    );
    expect(await run("tail", "--lines", "0")).toMatchObject({ code: 0, stdout: "" });
  });

  test("filters, and writes entries as they are with --json", async () => {
    const { stdout } = await run("tail", "--device", "a", "--code", "DEVICE_REVOKED", "--json");
    const entries = linesOf(stdout).map((line) => JSON.parse(line) as unknown);
    expect(entries).toMatchObject([{ op: "validate", deviceId: "a", code: "DEVICE_REVOKED" }]);
    expect((await run("tail", "--since", "1h", "--json")).stdout.length).toBeGreaterThan(500);
    const future = await run("tail", "--since", "2999-01-01T00:00:00Z");
    expect(future).toMatchObject({ code: 0, stdout: "" });
  });

  test("names all devices that one message got the same decision on", async () => {
    await using own = await startServe(directory.file("several.db"));
    await using channel = await LeaseClient.holding(own.url, own.ownerKey, []);
    await channel.check(["x", "y"]);
    const { stdout } = await runCli(["audit", "tail", "--device", "y"], { env: own.env });
    expect(linesOf(stdout)).toEqual([
      expect.stringMatching(/ {2}validate {2}x, y {2}DEVICE_NOT_REGISTERED {2}by key_/),
    ]);
  });

  test("follows what comes until it is stopped", async () => {
    const tail = startCli(["audit", "tail", "--follow", "--lines", "1"], { env: served.env });
    await tail.until(/unrevoke/);
    await makeHistory(served, "followed");
    await tail.until(/unrevoke {2}followed/);
    tail.process.kill("SIGTERM");
    expect(await tail.finished).toMatchObject({ code: 0 });
  });

  test.each([
    ["--lines", "-1"],
    ["--lines", "1001"],
    ["--since", "soon"],
  ])("refuses %s %s", async (name, value) => {
    expect(await run("tail", name, value)).toMatchObject({ code: 2, stdout: "" });
  });

  test("says what the authority refuses", async () => {
    const { code, stderr } = await run("tail", "--code", "no code");
    expect(code).toBe(1);
    expect(stderr).toContain("code: is no code");
  });
});

describe("audit verify", () => {
  test("finds a sound audit sound, over the API", async () => {
    const { code, stdout } = await run("verify");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sound {2}org [\w-]{36}: 1 chain, \d+ entries\n$/);
    expect(await run("verify", "--jwks", "jwks.json")).toMatchObject({ code: 0 });
  });

  test("trusts no keys but those it was given", async () => {
    await using other = await startServe(":memory:");
    await saveKeys(other, "other.json");
    const found = await run("verify", "--jwks", "other.json", "--json");
    expect(found.code).toBe(1);
    expect(problemOf(found)).toEqual({
      message: expect.stringContaining("not what the authority signed"),
    });
  });

  test("says that no authority answers with 4", async () => {
    const env = { ...served.env, MACHINEID_BASE_URL: "http://127.0.0.1:1" };
    expect(await runCli(["audit", "verify"], { env })).toMatchObject({ code: 4 });
  });
});

describe("audit export", () => {
  test("writes a file that verifies without the authority, once", async () => {
    const written = await run("export", "--output", "export.jsonl");
    expect(written).toMatchObject({ code: 0, stdout: "" });
    expect(statSync(directory.file("export.jsonl")).mode & 0o777).toBe(0o600);
    const verified = await runCli(["audit", "verify", "export.jsonl", "--jwks", "jwks.json"], {
      cwd: directory.path,
    });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sound/) });
    const again = await run("export", "--output", "export.jsonl");
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("exists already") });
  });

  test("writes to stdout what tail shows as JSON", async () => {
    const [header, ...entries] = linesOf((await run("export")).stdout);
    expect(JSON.parse(header ?? "")).toMatchObject({ machineid_audit: 1 });
    const tail = await run("tail", "--lines", "1000", "--json");
    expect(linesOf(tail.stdout)).toEqual(entries);
  });

  test("is not verified without keys, and what is no export is none", async () => {
    expect(await run("verify", "jwks.json")).toMatchObject({ code: 2 });
    const odd = await run("verify", "jwks.json", "--jwks", "jwks.json");
    expect(odd).toMatchObject({ code: 1, stderr: expect.stringContaining("is no export") });
    const none = await run("verify", "none.jsonl", "--jwks", "jwks.json");
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("ENOENT") });
    const keys = await run("verify", "jwks.json", "--jwks", "none.json");
    expect(keys).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be read") });
  });

  test.each<[string, (lines: string[]) => string[], number]>([
    ["an entry was changed", (all) => all.with(3, all[3]?.replace("ALLOW", "OTHER") ?? ""), 3],
    ["an entry was removed", (all) => all.toSpliced(3, 1), 3],
    ["two entries changed places", (all) => all.with(3, all[4] ?? "").with(4, all[3] ?? ""), 3],
    ["the tail was cut off", (all) => all.slice(0, -2), -1],
    ["an entry was added", (all) => [...all, all.at(-1) ?? ""], -1],
    ["an empty line was added", (all) => [...all, ""], -1],
    [
      "the list of chains was emptied",
      ([header = ""]) => [header.replace(/"chains":\[.*?\]/, '"chains":[]')],
      0,
    ],
  ])("does not verify when %s", async (_name, tamper, line) => {
    const lines = linesOf((await run("export")).stdout);
    writeFileSync(directory.file("tampered.jsonl"), `${tamper(lines).join("\n")}\n`);
    const found = await run("verify", "tampered.jsonl", "--jwks", "jwks.json", "--json");
    expect(found.code).toBe(1);
    expect(found.stderr).toMatch(/^machineid: The audit is broken: org .+\n$/);
    if (line > 0) expect(problemOf(found)).toMatchObject({ seq: line });
  });

  test("is known later: what was there once must still be there", async () => {
    const first = await run("export");
    writeFileSync(directory.file("known.jsonl"), first.stdout);
    await makeHistory(served, "later");
    expect(await run("verify", "--known", "known.jsonl")).toMatchObject({ code: 0 });
    writeFileSync(directory.file("later.jsonl"), (await run("export")).stdout);
    const back = await run(
      "verify",
      "known.jsonl",
      "--known",
      "later.jsonl",
      "--jwks",
      "jwks.json",
      "--json",
    );
    expect(back.code).toBe(1);
    expect(problemOf(back)).toMatchObject({
      message: expect.stringContaining("was there earlier"),
    });
  });
});

describe("a store that was edited", () => {
  /** Serves an edited copy of a history, and verifies it over the API. */
  async function verifyEdited(edit: (path: string) => void | Promise<void>): Promise<Finished> {
    using own = temporaryDirectory();
    const path = own.file("edited.db");
    const first = await startServe(path);
    await makeHistory(first, "a");
    await makeHistory(first, "b");
    await first[Symbol.asyncDispose]();
    await edit(path);
    await using second = await startServe(path);
    const env = { ...first.env, MACHINEID_BASE_URL: second.url };
    return await runCli(["audit", "verify", "--json"], { env });
  }
  const sql =
    (...statements: string[]) =>
    (path: string): void => {
      const database = new DatabaseSync(path);
      for (const statement of statements) database.exec(statement);
      database.close();
    };
  const LATER = 10 * 86_400_000;
  const cut = async (path: string): Promise<void> => {
    const store = await sqliteStore(path);
    const now = (): number => Date.now() + LATER;
    expect(await cutAudit(store, LATER / 2, now)).toBe(10);
    await store.close();
  };

  test("verifies when nothing was edited, and when old entries were removed under a checkpoint", async () => {
    expect(await verifyEdited(() => undefined)).toMatchObject({ code: 0 });
    const found = await verifyEdited(cut);
    expect(found).toMatchObject({ code: 0 });
    expect(JSON.parse(found.stdout)).toMatchObject({ ok: true, cut: 10, entries: 1 });
  });

  test.each([
    ["changed", "UPDATE audit SET entry = replace(entry, 'DEVICE_REVOKED', 'ALLOW')", 5],
    ["given a space", "UPDATE audit SET entry = replace(entry, '{\"seq\":4,', '{\"seq\": 4,')", 4],
    ["removed", "DELETE FROM audit WHERE id % 1099511627776 = 7", 7],
  ])("names the entry that was %s", async (_name, statement, seq) => {
    const found = await verifyEdited(sql(statement));
    expect(found.code).toBe(1);
    expect(problemOf(found)).toMatchObject({ seq, chain: expect.any(String) });
  });

  test("names a checkpoint that was forged, moved or dropped", async () => {
    const forgeries = [
      "UPDATE audit_chains SET checkpoint = NULL",
      "UPDATE audit_chains SET checkpoint = replace(checkpoint, 'e', 'f')",
      "UPDATE audit_chains SET cut = 9",
      "UPDATE audit_chains SET cut = 3, checkpoint = 'e30.e30.e30'; DELETE FROM audit WHERE id % 1099511627776 <= 3",
    ];
    for (const forgery of forgeries) {
      const found = await verifyEdited(async (path) => {
        await cut(path);
        sql(forgery)(path);
      });
      expect([forgery, found.code]).toEqual([forgery, 1]);
    }
  }, 60_000);
});
