import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { runCli, startServe, temporaryDirectory } from "./spawn.ts";

test("the administrator's key is rotated: the new one is shown once, the old one ends", async () => {
  await using served = await startServe(":memory:");
  const old = served.env["MACHINEID_ADMIN_KEY"] ?? "";
  const rotate = (key: string, ...args: string[]) =>
    runCli(["authority", "rotate-admin-key", ...args], {
      env: { ...served.env, MACHINEID_ADMIN_KEY: key },
    });
  const list = (key: string) =>
    runCli(["org", "list"], { env: { ...served.env, MACHINEID_ADMIN_KEY: key } });
  const shown = await rotate(old);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(shown.stdout).toContain("shown this once");
  const [next = ""] = /adm_[\w-]{43}/.exec(shown.stdout) ?? [];
  expect(next).not.toBe(old);
  expect((await list(old)).code).toBe(0);
  expect((await list(next)).code).toBe(0);
  expect((await rotate(old)).stderr).toMatch(/^machineid: .*rotated before/);

  const json = await rotate(next, "--overlap", "0s", "--json", "--reason", "stolen");
  const { secret } = JSON.parse(json.stdout) as { readonly secret: string };
  expect((await list(next)).code).not.toBe(0);
  expect((await list(secret)).code).toBe(0);
  expect(await rotate(secret, "--overlap", "31d")).toMatchObject({ code: 2, stdout: "" });
});

test("a lost administrator's key is made anew by whoever has the file", async () => {
  using directory = temporaryDirectory();
  const file = directory.file("machineid.db");
  const first = await startServe(file);
  await first[Symbol.asyncDispose]();
  const database = new DatabaseSync(file);
  database.exec("DELETE FROM keys WHERE role = 'admin'");
  database.close();
  await using served = await startServe(file);
  expect(served.ownerKey).toBeUndefined();
  expect(served.adminKey).toMatch(/^adm_/);
  const list = (key: string) =>
    runCli(["org", "list"], { env: { ...served.env, MACHINEID_ADMIN_KEY: key } });
  expect((await list(served.adminKey)).code).toBe(0);
  expect((await list(first.adminKey)).code).not.toBe(0);
});
