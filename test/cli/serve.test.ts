import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test, vi } from "vitest";
import { runCli, startCli, startServe, temporaryDirectory } from "./spawn.ts";

const oneError = /^(?:\{"level".*\}\n)*machineid: [^\n]+\n$/;

describe("serve --json", () => {
  test("prints one line, once it answers; keys only when they are new", async () => {
    using directory = temporaryDirectory();
    const database = directory.file("a.db");
    const first = await startServe(database);
    expect(first.ownerKey).toMatch(/^org_/);
    expect(first.adminKey).toMatch(/^adm_/);
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
    expect(first.pid).toBe(first.running.process.pid);
    first.running.process.kill("SIGTERM");
    const ended = await first.running.finished;
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.stdout.match(/\n/g)).toHaveLength(1);

    await using second = await startServe(database);
    expect(second).toMatchObject({ ownerKey: undefined, adminKey: undefined });
    const env = { ...first.env, MACHINEID_BASE_URL: second.url };
    expect(await runCli(["usage"], { env })).toMatchObject({ code: 0 });
  });

  test("says in FILE.server.json where it answers, for this user alone, while it runs", async () => {
    using directory = temporaryDirectory();
    const database = directory.file("a.db");
    const path = directory.file("a.db.server.json");
    const served = await startServe(database);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ url: served.url, pid: served.pid });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(database).mode & 0o777).toBe(0o600);
    await served[Symbol.asyncDispose]();
    expect(readdirSync(directory.path)).toEqual(["a.db"]);
  });

  test(":memory: leaves no file", async () => {
    using directory = temporaryDirectory();
    const served = await startServe(":memory:", { cwd: directory.path });
    expect(await runCli(["register", "a"], { env: served.env })).toMatchObject({ code: 0 });
    await served[Symbol.asyncDispose]();
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("a chosen owner key, from the environment", async () => {
    const MACHINEID_OWNER_KEY = "org_chosen_by_its_operator";
    await using served = await startServe(":memory:", { env: { MACHINEID_OWNER_KEY } });
    const env = { MACHINEID_BASE_URL: served.url, MACHINEID_ORG_KEY: MACHINEID_OWNER_KEY };
    expect(await runCli(["usage"], { env })).toMatchObject({ code: 0 });
  });
});

test("serve without --json tells a person address, database, keys and how to try it", async () => {
  using directory = temporaryDirectory();
  const running = startCli(["serve", "--port", "0", "--db", "p.db", "--plan", "7"], {
    cwd: directory.path,
  });
  await running.until(/Ctrl-C/);
  running.process.kill("SIGINT");
  const { code, stdout } = await running.finished;
  expect(code).toBe(0);
  expect(stdout).toMatch(/Address +http:\/\/127\.0\.0\.1:\d+/);
  expect(stdout).toMatch(/Database +\/\S+p\.db/);
  expect(stdout).toMatch(/Plan +7/);
  expect(stdout).toMatch(/Owner key +org_/);
  expect(stdout).toMatch(/Admin key +adm_/);
  expect(stdout).toContain("shown this once");
  expect(stdout).toContain("export MACHINEID_ORG_KEY=org_");
});

test("another host is warned about", async () => {
  const running = startCli(["serve", "--port", "0", "--db", ":memory:", "--host", "0.0.0.0"]);
  await running.until(/Ctrl-C/);
  running.process.kill("SIGTERM");
  expect((await running.finished).stderr).toMatch(/warning: .*TLS/);
});

describe("one file, one authority", () => {
  test("a second serve is refused, and names the first one's url and pid", async () => {
    using directory = temporaryDirectory();
    const database = directory.file("a.db");
    await using served = await startServe(database);
    const second = await runCli(["serve", "--port", "0", "--db", database, "--json"]);
    expect(second).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(oneError) });
    expect(second.stderr).toContain(served.url);
    expect(second.stderr).toContain(String(served.pid));
    expect(await runCli(["usage"], { env: served.env })).toMatchObject({ code: 0 });
    expect(existsSync(directory.file("a.db.server.json"))).toBe(true);
  });

  test("after kill -9 it starts again, what was acknowledged is there, and nobody follows the stale file", async () => {
    using directory = temporaryDirectory();
    const database = directory.file("a.db");
    const first = await startServe(database);
    expect(await runCli(["register", "a"], { env: first.env })).toMatchObject({ code: 0 });
    expect(await runCli(["revoke", "a"], { env: first.env })).toMatchObject({ code: 0 });
    first.running.process.kill("SIGKILL");
    await first.running.finished;
    expect(existsSync(directory.file("a.db.server.json"))).toBe(true);
    const stale = await runCli(["list", "--db", database]);
    expect(stale.stderr).toContain("No authority serves");

    await using second = await startServe(database);
    const env = { ...first.env, MACHINEID_BASE_URL: second.url };
    expect(await runCli(["validate", "a"], { env })).toMatchObject({ code: 3 });
  });
});

describe("it ends when told", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("%s: 0, and takes its files along", async (signal) => {
    using directory = temporaryDirectory();
    const served = await startServe(directory.file("a.db"));
    served.running.process.kill(signal);
    expect(await served.running.finished).toMatchObject({ code: 0, signal: null });
    expect(readdirSync(directory.path)).toEqual(["a.db"]);
  });

  test("a second signal does not wait for what is still under way", async () => {
    using directory = temporaryDirectory();
    const served = await startServe(directory.file("a.db"));
    const socket = connect(Number(new URL(served.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    const head =
      "POST /api/v1/devices/validate HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{";
    await new Promise<void>((resolve) => socket.write(head, () => resolve()));
    await fetch(`${served.url}/healthz`);
    served.running.process.kill("SIGTERM");
    await vi.waitUntil(() => !existsSync(directory.file("a.db.server.json")));
    served.running.process.kill("SIGTERM");
    expect(await served.running.finished).toMatchObject({ code: 143 });
    socket.destroy();
  });

  test("--stop-with-stdin: when the process that started it is gone", async () => {
    const running = startCli(["serve", "--port", "0", "--db", ":memory:", "--stop-with-stdin"]);
    expect(await running.finished).toMatchObject({ code: 0 });
  });
});

describe("what cannot work is said in one line, with 1", () => {
  test("the port is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const result = await runCli(["serve", "--db", ":memory:", "--port", String(port)]);
    taken.close();
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(oneError) });
    expect(result.stderr).toContain(`${port}: the port is taken`);
  });

  test("keys are not made when it cannot listen, so the next start shows them", async () => {
    using directory = temporaryDirectory();
    const args = [
      "serve",
      "--port",
      "0",
      "--host",
      "not an address",
      "--db",
      directory.file("a.db"),
    ];
    expect(await runCli(args)).toMatchObject({ code: 1, stdout: "" });
    await using served = await startServe(directory.file("a.db"));
    expect(served.ownerKey).toMatch(/^org_/);
  });

  test.each([
    ["a directory", (): string => "."],
    ["in a directory that does not exist", (): string => "missing/a.db"],
    [
      "not a database",
      (path: string): string => {
        writeFileSync(
          `${path}/text.db`,
          "this is a plain text file, and quite a long one at that\n",
        );
        return "text.db";
      },
    ],
    [
      "another program's database",
      (path: string): string => {
        const database = new DatabaseSync(`${path}/other.db`);
        database.exec("CREATE TABLE notes (text TEXT)");
        database.close();
        return "other.db";
      },
    ],
  ])("the database is %s", async (_what, make) => {
    using directory = temporaryDirectory();
    const database = make(directory.path);
    const result = await runCli(["serve", "--port", "0", "--db", database], {
      cwd: directory.path,
    });
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(oneError) });
    expect(result.stderr).toContain(`The database ${database}`);
  });

  test("the database has a newer schema", async () => {
    using directory = temporaryDirectory();
    const path = directory.file("a.db");
    await (await startServe(path))[Symbol.asyncDispose]();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 4711");
    database.close();
    const result = await runCli(["serve", "--port", "0", "--db", path]);
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(oneError) });
    expect(result.stderr).toContain("4711");
  });

  test.skipIf(process.getuid?.() === 0)("the database may not be written", async () => {
    using directory = temporaryDirectory();
    const path = directory.file("a.db");
    await (await startServe(path))[Symbol.asyncDispose]();
    chmodSync(path, 0o400);
    const result = await runCli(["serve", "--port", "0", "--db", path]);
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(oneError) });
  });

  test("a key that belongs to no org of the database", async () => {
    using directory = temporaryDirectory();
    const path = directory.file("a.db");
    await (await startServe(path))[Symbol.asyncDispose]();
    const env = { MACHINEID_OWNER_KEY: "org_this_key_is_not_known_there" };
    const result = await runCli(["serve", "--port", "0", "--db", path], { env });
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(oneError) });
    expect(result.stderr).not.toContain(env.MACHINEID_OWNER_KEY);
    expect(readdirSync(directory.path)).toEqual(["a.db"]);
  });
});
