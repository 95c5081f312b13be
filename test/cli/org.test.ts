import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Served } from "./spawn.ts";

let served: Served;

beforeAll(async () => {
  served = await startServe(":memory:");
});

afterAll(() => served[Symbol.asyncDispose]());

const run = (args: string[], env: Record<string, string> = {}): ReturnType<typeof runCli> =>
  runCli(args, { env: { ...served.env, ...env } });

const createOrg = async (...args: string[]): Promise<{ orgId: string; orgApiKey: string }> =>
  JSON.parse((await run(["org", "create", "--json", ...args])).stdout);

test("an org that was made has a key that works, and is listed", async () => {
  const { orgId, orgApiKey } = await createOrg("--name", "Acme", "--plan", "pro");
  const env = { MACHINEID_ORG_KEY: orgApiKey };
  expect((await run(["usage"], env)).stdout).toBe("pro, active: 0 of 25 devices in use\n");
  expect((await run(["org", "list"])).stdout).toMatch(
    new RegExp(`^${orgId} +Acme +pro, active`, "m"),
  );
  const { stdout } = await run(["org", "list", "--json"]);
  const { orgs } = JSON.parse(stdout) as { orgs: unknown[] };
  expect(orgs).toContainEqual(expect.objectContaining({ orgId, name: "Acme" }));
});

test("a plan's state and end decide at once, and none takes the end back", async () => {
  const { orgId, orgApiKey } = await createOrg("--plan", "1");
  const env = { MACHINEID_ORG_KEY: orgApiKey };
  expect(await run(["register", "a"], env)).toMatchObject({ code: 0 });
  const full = await run(["register", "b"], env);
  expect(full).toMatchObject({ code: 3, stdout: expect.stringContaining("DEVICE_LIMIT_REACHED") });

  expect(await run(["org", "plan", orgId, "--state", "frozen"])).toMatchObject({ code: 0 });
  const frozen = await run(["validate", "a"], env);
  expect(frozen).toMatchObject({ code: 3, stdout: expect.stringContaining("PLAN_FROZEN") });

  const past = ["--state", "active", "--access-until", "2020-01-01T00:00:00Z"];
  expect(await run(["org", "plan", orgId, ...past])).toMatchObject({ code: 0 });
  const lapsed = await run(["validate", "a"], env);
  expect(lapsed).toMatchObject({ code: 3, stdout: expect.stringContaining("PLAN_NOT_ACTIVE") });

  const plan = await run(["org", "plan", orgId, "--access-until", "none", "--plan", "scale"]);
  expect(plan.stdout).toContain("scale, active: 1 of 250 devices in use");
  expect(await run(["validate", "a"], env)).toMatchObject({ code: 0 });
});

test("the key may come from a file, and a wrong or missing one is said in one line", async () => {
  using directory = temporaryDirectory();
  writeFileSync(directory.file("admin.key"), served.adminKey);
  const args = ["org", "list", "--admin-key-file", directory.file("admin.key")];
  expect(await run(args, { MACHINEID_ADMIN_KEY: "" })).toMatchObject({ code: 0 });
  const missing = await run(["org", "list"], { MACHINEID_ADMIN_KEY: "" });
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^machineid: [^\n]+\n$/),
  });
  const wrong = await run(["org", "list"], { MACHINEID_ADMIN_KEY: served.ownerKey });
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("ADMIN_KEY_INVALID") });
  expect(wrong.stderr).not.toContain(served.ownerKey);
});

test.each([
  [["org", "plan", "some-org"], "Say what to change"],
  [["org", "plan", "some-org", "--state", "tired"], "--state must be"],
  [["org", "plan", "some-org", "--access-until", "tomorrow"], "--access-until must be"],
  [["org", "create", "--plan", "-1"], "--plan"],
])("%j is refused before anything is sent", async (args, words) => {
  expect(await run(args)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining(words),
  });
});

test("the administrator's key of the environment goes nowhere by itself", async () => {
  const result = await runCli(["org", "list"], {
    env: { MACHINEID_ADMIN_KEY: "adm_0123456789abcdef" },
  });
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining("--db") });
});
