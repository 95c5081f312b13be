import { expect, test } from "vitest";
import { startFaultyAuthority } from "../conformance/faulty-authority.ts";
import { runCli, startServe } from "./spawn.ts";

test("conformance ends with 0 when every rule is kept, and tells each by name", async () => {
  await using served = await startServe(":memory:");
  const result = await runCli(["conformance", served.url], { env: served.env });
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout).toMatch(/^pass +register\.new +A new device/m);
  expect(result.stdout).toMatch(/^\d+ passed, 0 failed, 0 not offered: http/m);
  expect(result.stdout).toContain("are shut");
  expect(result.stdout).not.toContain(served.ownerKey);

  const without = { MACHINEID_ORG_KEY: served.ownerKey };
  const json = await runCli(["conformance", served.url, "--json"], { env: without });
  expect(json.code).toBe(0);
  const said = JSON.parse(json.stdout) as Record<string, unknown>;
  expect(said).toMatchObject({ url: served.url, isConforming: true, failed: 0, orgsLeft: [] });
  expect(said["notOffered"]).toBeGreaterThan(5);
});

test("conformance ends with 1 when a rule is broken, and says what was seen", async () => {
  await using served = await startServe(":memory:");
  await using faulty = await startFaultyAuthority(served.url, {
    answered({ json }) {
      if (json["code"] === "DEVICE_REVOKED") json["allowed"] = true;
    },
  });
  const result = await runCli(["conformance", faulty.url], { env: served.env });
  expect(result.code).toBe(1);
  expect(result.stdout).toMatch(/^fail +validate\.revoked .*allowed is true$/m);
  expect(result.stdout).toMatch(/, [1-9]\d* failed, /);
});

test("conformance says in one line when nobody answers, or does not know the key", async () => {
  const env = { MACHINEID_ORG_KEY: "org_0123456789abcdef" };
  const nobody = await runCli(["conformance", "http://127.0.0.1:9"], { env });
  expect(nobody).toMatchObject({ code: 4, stdout: "" });
  await using served = await startServe(":memory:");
  const stranger = await runCli(["conformance", served.url], { env });
  expect(stranger).toMatchObject({ code: 1, stdout: "" });
  const none = await runCli(["conformance", served.url]);
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("MACHINEID_ORG_KEY") });
  const insecure = await runCli(["conformance", "http://authority.example.com"], { env });
  expect(insecure.code).not.toBe(0);
  for (const { stderr } of [nobody, stranger, none, insecure]) {
    expect(stderr).toMatch(/^machineid: [^\n]+\n$/);
  }
});
