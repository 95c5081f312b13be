import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { verifyAudit } from "../../src/authority/index.ts";
import { call } from "../support/authority.ts";
import { startHttpServer } from "../support/http-server.ts";
import { runCli, startServe, temporaryDirectory } from "./spawn.ts";

test("backup makes a verified file that only its owner reads, from which serve can go on", async () => {
  using directory = temporaryDirectory();
  const file = directory.file("kept.db");
  const served = await startServe(directory.file("a.db"));
  for (const [operation, deviceId] of [
    ["register", "a"],
    ["register", "b"],
    ["revoke", "b"],
  ] as const) {
    await call(served, "POST", `/api/v1/devices/${operation}`, { deviceId });
  }
  const result = await runCli(["backup", file, "--json"], { env: served.env });
  expect(result).toMatchObject({ code: 0, stderr: "" });
  const said = JSON.parse(result.stdout) as Record<string, unknown>;
  expect(said).toMatchObject({ status: "ok", path: file, bytes: statSync(file).size, chains: 2 });
  expect(said["entries"]).toBeGreaterThanOrEqual(5);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await served[Symbol.asyncDispose]();
  expect(readdirSync(directory.path).toSorted()).toEqual(["a.db", "kept.db"]);

  await using restored = await startServe(file);
  const again = { ...served, url: restored.url };
  const codes = ["a", "b"].map(async (deviceId) => {
    const { body } = await call(again, "POST", "/api/v1/devices/validate", { deviceId });
    return body["code"];
  });
  expect(await Promise.all(codes)).toEqual(["ALLOW", "DEVICE_REVOKED"]);
}, 60_000);

test("backup tells a person what it made, and finds the authority by its database", async () => {
  using directory = temporaryDirectory();
  await using served = await startServe(directory.file("a.db"));
  const env = { MACHINEID_ADMIN_KEY: served.adminKey };
  const args = ["backup", "kept.db", "--db", directory.file("a.db")];
  const result = await runCli(args, { env, cwd: directory.path });
  expect(result.stdout).toMatch(/kept\.db: \d+ bytes, \d+ audit entries in 2 chains, verified\n$/);
});

test("backup overwrites nothing, and leaves nothing behind when it fails", async () => {
  using directory = temporaryDirectory();
  const file = directory.file("kept.db");
  await using served = await startServe(":memory:");
  writeFileSync(file, "precious");
  const taken = await runCli(["backup", file], { env: served.env });
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining("exists") });
  expect(readFileSync(file, "utf8")).toBe("precious");

  const other = directory.file("other.db");
  const wrong = { ...served.env, MACHINEID_ADMIN_KEY: served.ownerKey };
  const refused = await runCli(["backup", other], { env: wrong });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("ADMIN_KEY_INVALID") });
  const nowhere = await runCli(["backup", directory.file("no/such/kept.db")], { env: served.env });
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining("directory") });
  expect(readdirSync(directory.path)).toEqual(["kept.db"]);
});

/** What an authority would send, after something was done to it. */
async function backupOf(change: (path: string) => void): Promise<Buffer> {
  using directory = temporaryDirectory();
  const file = directory.file("kept.db");
  await using served = await startServe(":memory:");
  await call(served, "POST", "/api/v1/devices/register", { deviceId: "a" });
  await runCli(["backup", file], { env: served.env });
  change(file);
  return readFileSync(file);
}

test.each([
  [
    "cut short",
    async () => (await backupOf(() => undefined)).subarray(0, 9_000),
    "audit|damaged|read",
  ],
  [
    "of a rewritten audit",
    () =>
      backupOf((path) => {
        const database = new DatabaseSync(path);
        database.exec("UPDATE audit SET entry = replace(entry, '\"register\"', '\"validate\"')");
        database.close();
      }),
    "audit does not verify",
  ],
  [
    "of a damaged file",
    () =>
      backupOf((path) => {
        const database = new DatabaseSync(path);
        const { page = 0, size = 0 } = database
          .prepare(
            "SELECT rootpage AS page, (SELECT page_size FROM pragma_page_size) AS size FROM sqlite_schema WHERE name = 'sqlite_autoindex_devices_1'",
          )
          .get() as { page?: number; size?: number };
        database.close();
        // One letter of a device id, in the index alone: only the comparison with its table shows it.
        const bytes = readFileSync(path);
        bytes[page * size - 1] = (bytes[page * size - 1] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      }),
    "is damaged",
  ],
  ["no database", () => Promise.resolve(Buffer.from("hello")), "cannot be read|damaged"],
])("a backup that is %s is not taken for one", async (_what, make, words) => {
  using directory = temporaryDirectory();
  const bytes = await make();
  await using server = await startHttpServer((_request, response) =>
    response.writeHead(200, { "content-length": bytes.byteLength }).end(bytes),
  );
  const file = directory.file("kept.db");
  const result = await runCli(["backup", file], {
    env: { MACHINEID_BASE_URL: server.url, MACHINEID_ADMIN_KEY: "adm_0123456789abcdef" },
  });
  expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(words) });
  expect(existsSync(file)).toBe(false);
  expect(readdirSync(directory.path)).toEqual([]);
});

test("a backup that breaks off is an outage", async () => {
  using directory = temporaryDirectory();
  await using server = await startHttpServer((_request, response) => {
    response.writeHead(200, { "content-length": 100_000 }).write("SQLite format 3");
    setImmediate(() => response.destroy());
  });
  const result = await runCli(["backup", directory.file("kept.db")], {
    env: { MACHINEID_BASE_URL: server.url, MACHINEID_ADMIN_KEY: "adm_0123456789abcdef" },
  });
  expect(result).toMatchObject({ code: 4, stderr: expect.stringContaining("whole") });
  expect(readdirSync(directory.path)).toEqual([]);
});

test("the audit of a backup can be verified by itself", async () => {
  using directory = temporaryDirectory();
  await using served = await startServe(directory.file("a.db"));
  await runCli(["backup", directory.file("kept.db")], { env: served.env });
  expect(await verifyAudit(directory.file("kept.db"))).toMatchObject({ ok: true, chains: 2 });
});
