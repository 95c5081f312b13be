import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Finished, Served, TemporaryDirectory } from "./spawn.ts";

let served: Served;
let directory: TemporaryDirectory;

beforeAll(async () => {
  directory = temporaryDirectory();
  served = await startServe(directory.file("machineid.db"));
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const run = (args: readonly string[], key = served.ownerKey): Promise<Finished> =>
  runCli(args, { env: { ...served.env, MACHINEID_ORG_KEY: key } });

async function makeKey(...args: string[]): Promise<{ secret: string; keyId: string }> {
  const { stdout } = await run(["keys", "create", ...args, "--json"]);
  const { secret, key } = JSON.parse(stdout) as { secret: string; key: { keyId: string } };
  return { secret, keyId: key.keyId };
}

test("keys are made, listed by their ends, rotated and revoked", async () => {
  const made = await run(["keys", "create", "--role", "agent", "--devices", "worker:*"]);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  expect(made.stdout).toContain("shown this once");
  const secret = /agt_[\w-]{43}/.exec(made.stdout)?.[0] ?? "";
  const keyId = /key_[0-9a-f]{16}/.exec(made.stdout)?.[0] ?? "";
  expect(await run(["register", "worker:1"], secret)).toMatchObject({ code: 0 });
  expect(await run(["validate", "worker:1"], secret)).toMatchObject({ code: 0 });
  expect(await run(["validate", "other"], secret)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("FORBIDDEN"),
  });
  const list = await run(["keys", "list"]);
  expect(list.stdout).toContain(`agt_…${secret.slice(-4)}`);
  expect(list.stdout).toContain("worker:*");
  expect(list.stdout).not.toContain(secret);
  const rotated = await run(["keys", "rotate", keyId, "--overlap", "0s", "--json"]);
  const { secret: next } = JSON.parse(rotated.stdout) as { secret: string };
  expect(await run(["validate", "worker:1"], secret)).toMatchObject({ code: 4 });
  expect(await run(["validate", "worker:1"], next)).toMatchObject({ code: 0 });
  const unknown = await run(["keys", "revoke", "key_none"]);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("keys list") });
}, 60_000);

test("an org is stopped, shown and resumed; a second key is asked for where the policy says so", async () => {
  const operator = await makeKey("--role", "operator", "--expires-in", "12h");
  const stopped = await run(["org", "stop", "--reason", "incident"], operator.secret);
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining("stopped") });
  expect(await run(["validate", "any"])).toMatchObject({
    code: 3,
    stdout: expect.stringContaining("ORG_DISABLED"),
  });
  await run(["org", "policy", "--two-person-restore", "on"]);
  const asked = await run(["org", "resume"], operator.secret);
  expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining("second key") });
  expect((await run(["org", "show"])).stdout).toContain(operator.keyId);
  const resumed = await run(["org", "resume"]);
  expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining("running") });
  await run(["org", "policy", "--two-person-restore", "off"]);
}, 60_000);

test("a pattern is revoked after a dry run has named it, and lists go page by page", async () => {
  for (const deviceId of ["w:1", "w:2", "x"]) await run(["register", deviceId]);
  const dry = await run(["revoke", "--pattern", "w:*", "--dry-run"]);
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("w:1 would be revoked") });
  expect(dry.stdout).toContain("2 of 2 devices would be revoked");
  expect(await run(["validate", "w:1"])).toMatchObject({ code: 0 });
  const done = await run(["revoke", "--pattern", "w:*", "--reason", "drain"]);
  expect(done.stdout).toContain("2 of 2 devices were revoked");
  expect(await run(["validate", "w:1"])).toMatchObject({ code: 3 });
  const list = await run(["list", "--pattern", "w:*", "--json"]);
  expect(JSON.parse(list.stdout)).toMatchObject({
    devices: [{ deviceId: "w:1" }, { deviceId: "w:2" }],
  });
  expect(await run(["unrevoke", "w:1", "w:2"])).toMatchObject({ code: 0 });
}, 60_000);

test.each([
  [["keys", "create"], "--role"],
  [["keys", "create", "--role", "king"], "--role must be"],
  [["keys", "create", "--role", "agent"], "--devices"],
  [["keys", "create", "--role", "viewer", "--devices", "*"], "--devices"],
  [["keys", "create", "--role", "agent", "--devices", "a*b"], "--devices"],
  [["keys", "create", "--role", "viewer", "--expires-in", "soon"], "--expires-in"],
  [["keys", "rotate", "key_0", "--overlap", "31d"], "--overlap"],
  [["org", "policy", "--two-person-restore", "maybe"], "on or off"],
  [["revoke", "a", "--pattern", "b"], "not both"],
  [["revoke"], "DEVICE"],
  [["revoke", "--pattern", "*a"], "--pattern"],
  [["serve", "--trust-proxy", "-1"], "--trust-proxy"],
])("%j is refused before anything is sent", async (args, words) => {
  expect(await run(args)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining(words),
  });
});
