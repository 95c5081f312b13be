import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Served, TemporaryDirectory } from "./spawn.ts";

let directory: TemporaryDirectory;
let served: Served;

beforeAll(async () => {
  directory = temporaryDirectory();
  served = await startServe(directory.file("devices.db"));
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const run = (...args: string[]): ReturnType<typeof runCli> =>
  runCli(args, { env: served.env, cwd: directory.path });

const oneLine = expect.stringMatching(/^machineid: [^\n]+\n$/);

describe("validate", () => {
  test("ends with 0 for an allowed device and 3 for a denied one, with code and request id", async () => {
    expect(await run("register", "v-1")).toMatchObject({ code: 0, stderr: "" });
    const allowed = await run("validate", "v-1");
    expect(allowed).toMatchObject({ code: 0, stderr: "" });
    expect(allowed.stdout).toMatch(/^allowed {2}v-1 {2}ALLOW {2}request [\w-]{36}\n$/);
    expect(await run("revoke", "v-1")).toMatchObject({ code: 0, stdout: "v-1 revoked\n" });
    const denied = await run("validate", "v-1");
    expect(denied).toMatchObject({ code: 3, stderr: "" });
    expect(denied.stdout).toMatch(/^denied {2}v-1 {2}DEVICE_REVOKED {2}request [\w-]{36}\n$/);
  });

  test("--json prints the answer as it came, on one line", async () => {
    const { code, stdout } = await run("validate", "v-unknown", "--json");
    expect(code).toBe(3);
    expect(stdout.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      allowed: false,
      code: "DEVICE_NOT_REGISTERED",
      deviceId: "v-unknown",
      request_id: expect.any(String),
    });
  });

  test("a key that is not accepted is no decision: 4, one line, and the key is not in it", async () => {
    const key = "org_not_a_key_of_this_authority";
    const env = { ...served.env, MACHINEID_ORG_KEY: key };
    const result = await runCli(["validate", "v-1", "--json"], { env });
    expect(result).toMatchObject({ code: 4, stderr: oneLine });
    expect(result.stderr).toContain("ORG_KEY_REJECTED");
    expect(result.stderr + result.stdout).not.toContain(key);
    expect(JSON.parse(result.stdout)).toMatchObject({ status: "error", allowed: false });
  });
});

describe("register", () => {
  test("says whether the device is new", async () => {
    expect((await run("register", "r-1")).stdout).toMatch(/^r-1 registered \(\d+ in use\)\n$/);
    expect((await run("register", "r-1")).stdout).toMatch(/^r-1 was registered already/);
  });

  test("of a revoked device is blocked: 3, and restores nothing", async () => {
    await run("register", "r-2");
    await run("revoke", "r-2");
    const blocked = await run("register", "r-2");
    expect(blocked).toMatchObject({ code: 3, stderr: oneLine });
    expect(blocked.stdout).toContain("DEVICE_REVOKED");
    expect(await run("validate", "r-2")).toMatchObject({ code: 3 });
  });
});

describe("revoke and unrevoke", () => {
  test("take several devices as one change, and name those that do not exist", async () => {
    await run("register", "b-1");
    await run("register", "b-2");
    const result = await run("revoke", "b-1", "b-2", "b-none");
    expect(result).toMatchObject({ code: 1, stdout: "b-1 revoked\nb-2 revoked\n" });
    expect(result.stderr).toMatch(/^machineid: No such device: b-none\. [^\n]+\n$/);
    const restored = await run("unrevoke", "b-1", "b-2", "--json");
    expect(restored.code).toBe(0);
    expect(JSON.parse(restored.stdout)).toMatchObject({
      status: "ok",
      results: [
        { deviceId: "b-1", status: "ok", changed: true },
        { deviceId: "b-2", status: "ok", changed: true },
      ],
    });
  });

  test("an id that begins with a dash goes after --", async () => {
    expect(await run("register", "--", "-dashed")).toMatchObject({ code: 0 });
    expect(await run("revoke", "--", "-dashed")).toMatchObject({
      code: 0,
      stdout: "-dashed revoked\n",
    });
  });

  test("one device that does not exist: 1", async () => {
    const result = await run("revoke", "nobody");
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: oneLine });
    expect(result.stderr).toContain("DEVICE_NOT_FOUND");
  });
});

test("remove forgets a device", async () => {
  await run("register", "d-1");
  expect(await run("remove", "d-1")).toMatchObject({ code: 0, stdout: "d-1 removed\n" });
  expect(await run("validate", "d-1")).toMatchObject({ code: 3 });
  expect(await run("remove", "d-1")).toMatchObject({ code: 1, stdout: "" });
});

test("list and usage answer people and programs", async () => {
  await run("register", "l-1");
  const listed = await run("list");
  expect(listed.stdout).toMatch(/^DEVICE +STATUS +REGISTERED +LAST CHECK\n/);
  expect(listed.stdout).toMatch(/^l-1 +active +\S+Z +never$/m);
  const { devices } = JSON.parse((await run("list", "--json")).stdout) as { devices: unknown[] };
  expect(devices).toContainEqual(expect.objectContaining({ deviceId: "l-1", status: "active" }));
  expect((await run("usage")).stdout).toMatch(/^unlimited, active: \d+ devices in use\n$/);
  expect(JSON.parse((await run("usage", "--json")).stdout)).toMatchObject({
    status: "ok",
    planTier: "unlimited",
  });
});

test("without key and URL, --key-file and the running authority beside the database do", async () => {
  writeFileSync(directory.file("owner.key"), `${served.ownerKey}\n`);
  const args = ["list", "--json", "--db", "devices.db", "--key-file", "owner.key"];
  expect(await runCli(args, { cwd: directory.path })).toMatchObject({ code: 0, stderr: "" });
  const nobody = await runCli(["list", "--db", "other.db"], { cwd: directory.path });
  expect(nobody).toMatchObject({ code: 4, stdout: "", stderr: oneLine });
});
