import { existsSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createDatabase } from "../support/postgres.ts";
import { runCli, startCli, startServe, temporaryDirectory } from "./spawn.ts";

const oneError = /^(?:\{"level".*\}\n)*machineid: [^\n]+\n$/;
const passwordOf = (url: string): string => new URL(url).password;

describe("serve --db postgres://…", () => {
  test("replicas answer for one store, and leave no file", async () => {
    await using database = await createDatabase();
    using directory = temporaryDirectory();
    await using first = await startServe(database.url, { cwd: directory.path });
    await using second = await startServe(database.url, { cwd: directory.path });
    expect(first.ownerKey).toMatch(/^org_/);
    expect(second).toMatchObject({ ownerKey: undefined, adminKey: undefined });
    expect(await runCli(["register", "a"], { env: first.env })).toMatchObject({ code: 0 });
    const env = { ...first.env, MACHINEID_BASE_URL: second.url };
    expect(await runCli(["validate", "a"], { env })).toMatchObject({ code: 0 });
    expect(await runCli(["revoke", "a"], { env })).toMatchObject({ code: 0 });
    expect(await runCli(["validate", "a"], { env: first.env })).toMatchObject({ code: 3 });
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("from MACHINEID_DB; its password is in nothing that is written", async () => {
    await using database = await createDatabase();
    const running = startCli(["serve", "--port", "0", "--log-level", "trace", "--debug"], {
      env: { MACHINEID_DB: database.url },
    });
    await running.until(/Ctrl-C/);
    running.process.kill("SIGTERM");
    const { code, stdout, stderr } = await running.finished;
    expect(code).toBe(0);
    expect(stdout).toMatch(/Database +postgres:\/\/\w+@127\.0\.0\.1:\d+\/machineid_/);
    for (const text of [stdout, stderr]) {
      expect(text).not.toContain(passwordOf(database.url));
      expect(text).not.toContain(decodeURIComponent(passwordOf(database.url)));
    }
  });

  test.each([
    ["nobody listens", (url: URL) => void (url.port = "1"), "does not answer"],
    ["the password is wrong", (url: URL) => void (url.password = "wr0ng"), "refuses this user"],
    ["there is no such database", (url: URL) => void (url.pathname = "/none"), "is not there"],
    [
      "there is no such host",
      (url: URL) => void (url.hostname = "none.invalid"),
      "cannot be found",
    ],
  ])("when %s, it says so in one line, with 1", async (_what, spoil, words) => {
    await using database = await createDatabase();
    const url = new URL(database.url);
    spoil(url);
    const result = await runCli(["serve", "--port", "0", "--debug", "--db", url.href]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(words);
    expect(result.stderr).not.toContain(url.password);
    const short = await runCli(["serve", "--port", "0", "--db", url.href]);
    expect(short.stderr).toEqual(expect.stringMatching(oneError));
  });

  test("an address that is none is a wrong call, and is not repeated", async () => {
    const result = await runCli(["serve", "--db", "postgres://user:s3cret@:port/x y"]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).not.toContain("s3cret");
  });
});

describe("migrate", () => {
  test("moves a file's store: lines of progress, and the keys that were known", async () => {
    await using database = await createDatabase();
    using directory = temporaryDirectory();
    const file = directory.file("a.db");
    const served = await startServe(file);
    expect(await runCli(["register", "a"], { env: served.env })).toMatchObject({ code: 0 });
    expect(await runCli(["revoke", "a"], { env: served.env })).toMatchObject({ code: 0 });
    const refused = await runCli(["migrate", "--from", `sqlite:${file}`, "--to", database.url]);
    expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(oneError) });
    expect(refused.stderr).toContain(served.url);
    await served[Symbol.asyncDispose]();

    const moved = await runCli(["migrate", "--from", `sqlite:${file}`, "--to", database.url]);
    expect(moved).toMatchObject({ code: 0 });
    expect(moved.stdout).toContain("Moved 1 orgs, 1 devices and 6 audit entries to postgres://");
    expect(moved.stderr).toMatch(/^0 %: 0 of 6 audit entries\n(?:.*\n)*100 %: 6 of 6/);
    expect(moved.stdout + moved.stderr).not.toContain(passwordOf(database.url));

    await using replica = await startServe(database.url);
    expect(replica.ownerKey).toBeUndefined();
    const env = { ...served.env, MACHINEID_BASE_URL: replica.url };
    expect(await runCli(["validate", "a"], { env })).toMatchObject({ code: 3 });
    expect(await runCli(["org", "list"], { env })).toMatchObject({ code: 0 });
    const old = await runCli(["serve", "--port", "0", "--db", file]);
    expect(old).toMatchObject({ code: 1, stderr: expect.stringContaining("was moved to") });
  });

  test("--json: one value on stdout and nothing else; the target from MACHINEID_DB", async () => {
    await using database = await createDatabase();
    using directory = temporaryDirectory();
    const file = directory.file("a.db");
    await (await startServe(file))[Symbol.asyncDispose]();
    const moved = await runCli(["migrate", "--from", file, "--json"], {
      env: { MACHINEID_DB: database.url },
    });
    expect(moved).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(moved.stdout)).toMatchObject({ status: "ok", orgs: 1, auditEntries: 4 });
    expect(moved.stdout).not.toContain(passwordOf(database.url));
    const again = await runCli(["migrate", "--from", file, "--json"], {
      env: { MACHINEID_DB: database.url },
    });
    expect(again).toMatchObject({ code: 1 });
    expect(JSON.parse(again.stdout)).toMatchObject({ code: "MOVE_REFUSED", allowed: false });
  });

  test.each([
    [["--to", "postgres://h/d"], "--from"],
    [["--from", "sqlite:", "--to", "postgres://h/d"], "--from must be"],
    [["--from", "postgres://h/d", "--to", "postgres://h/e"], "--from must be"],
    [["--from", "sqlite:a.db"], "--to"],
    [["--from", "sqlite:a.db", "--to", "b.db"], "--to"],
  ])("%j is a wrong call", async (args, words) => {
    const result = await runCli(["migrate", ...args]);
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(words) });
  });

  test("a file that is not there is said to be, and not made", async () => {
    using directory = temporaryDirectory();
    const file = directory.file("none.db");
    const result = await runCli(["migrate", "--from", file, "--to", "postgres://h/d"]);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no file") });
    expect(existsSync(file)).toBe(false);
  });
});
