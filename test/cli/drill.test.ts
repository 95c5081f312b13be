import { describe, expect, test } from "vitest";
import { histogram, summarize } from "../../src/cli/drill/statistics.ts";
import { MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import { runCli, startCli } from "./spawn.ts";

const CANARY = "canary:test:01";
const env = ({ url, ownerKey }: TestAuthority, key = ownerKey): Record<string, string> => ({
  MACHINEID_BASE_URL: url,
  MACHINEID_ORG_KEY: key,
});
const clientOf = ({ url, ownerKey }: TestAuthority): MachineID =>
  new MachineID({ orgKey: ownerKey, baseUrl: url });

describe("drill", () => {
  test("measures each stop, finds nothing late, and restores the canary", async () => {
    await using authority = await startTestAuthority();
    const args = ["drill", "--device", CANARY, "--count", "3", "--json"];
    const { code, stdout, stderr } = await runCli(args, { env: env(authority) });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as { rounds: Record<string, number>[] };
    expect(answer).toMatchObject({ deviceId: CANARY, broken: [], restored: true });
    expect(answer.rounds).toHaveLength(3);
    for (const { fencedMs = -1, drainedMs = -1, lastSideEffectMs = -1 } of answer.rounds) {
      expect(fencedMs).toBeGreaterThan(0);
      expect(drainedMs).toBeGreaterThan(0);
      expect(lastSideEffectMs).toBeGreaterThanOrEqual(0);
      expect(lastSideEffectMs).toBeLessThan(fencedMs);
    }
    expect(await clientOf(authority).validate(CANARY)).toMatchObject({ allowed: true });
  });

  test("tells people with a histogram, and that the canary is restored", async () => {
    await using authority = await startTestAuthority();
    const args = ["drill", "--device", CANARY, "--count", "1"];
    const { code, stdout } = await runCli(args, { env: env(authority) });
    expect(code).toBe(0);
    expect(stdout).toMatch(/P50\s+P99\s+MAX/);
    expect(stdout).toContain("█");
    expect(stdout).toContain(`${CANARY} is restored`);
  });

  test("revokes nothing with a key that may not restore", async () => {
    await using authority = await startTestAuthority();
    const client = clientOf(authority);
    for (const role of ["agent", "viewer"] as const) {
      const made = await client.keys.create({
        role,
        ...(role === "agent" ? { devicePattern: "*" } : {}),
      });
      const key = String(Reflect.get(made, "secret"));
      const args = ["drill", "--device", CANARY, "--count", "1"];
      const { code, stderr } = await runCli(args, { env: env(authority, key) });
      expect(code).toBe(1);
      expect(stderr).toMatch(/Use a key whose role may do this/);
    }
    const changes = await client.request("audit", { code: undefined, limit: 100 });
    expect(JSON.stringify(changes.body)).not.toContain('"revoke"');
  });

  test("does not touch a device that is revoked, or an org that could not restore it", async () => {
    await using authority = await startTestAuthority();
    const client = clientOf(authority);
    await client.register(CANARY);
    await client.revoke(CANARY);
    const args = ["drill", "--device", CANARY, "--count", "1"];
    expect(await runCli(args, { env: env(authority) })).toMatchObject({ code: 3 });
    expect(await client.validate(CANARY)).toMatchObject({ allowed: false });
    await client.unrevoke(CANARY);
    await client.org.setPolicy({ twoPersonRestore: true });
    const { code, stderr } = await runCli(args, { env: env(authority) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/wants two keys/);
    expect(await client.validate(CANARY)).toMatchObject({ allowed: true });
  });

  test("is refused where there are no leases", async () => {
    await using authority = await startScriptedAuthority();
    const { code, stderr } = await runCli(["drill", "--device", CANARY], {
      env: { MACHINEID_BASE_URL: authority.url, MACHINEID_ORG_KEY: "org_scripted" },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/gives no leases/);
  });

  test("restores the canary when it is interrupted", async () => {
    await using authority = await startTestAuthority();
    const args = ["drill", "--device", CANARY, "--count", "100000"];
    const running = startCli(args, { env: env(authority) });
    await running.until(/Drilling/);
    running.process.kill("SIGINT");
    expect(await running.finished).toMatchObject({ code: 130 });
    expect(await clientOf(authority).validate(CANARY)).toMatchObject({ allowed: true });
  });
});

test("a summary names values that were measured", () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(summarize(samples)).toEqual({ p50: 50, p99: 99, max: 100 });
  expect(summarize([7])).toEqual({ p50: 7, p99: 7, max: 7 });
});

test("a histogram counts every sample once", () => {
  const counted = histogram([0, 1, 1.5, 40, 99_999]).map((line) => Number(/\d+$/.exec(line)?.[0]));
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(5);
  expect(counted[0]).toBe(2);
  expect(counted.at(-1)).toBe(1);
});
