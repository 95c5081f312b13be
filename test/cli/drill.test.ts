import { appendFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { judge } from "../../src/cli/drill/round.ts";
import type { Revoked } from "../../src/cli/drill/round.ts";
import { SideEffects } from "../../src/cli/drill/side-effects.ts";
import type { SideEffect } from "../../src/cli/drill/side-effects.ts";
import { histogram, summarize } from "../../src/cli/drill/statistics.ts";
import { MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { runCli, startCli, temporaryDirectory } from "./spawn.ts";

const CANARY = "canary:test:01";
const env = ({ url, ownerKey }: TestAuthority, key = ownerKey): Record<string, string> => ({
  MACHINEID_BASE_URL: url,
  MACHINEID_ORG_KEY: key,
});
const clientOf = ({ url, ownerKey }: TestAuthority): MachineID =>
  new MachineID({ orgKey: ownerKey, baseUrl: url });

const idsOf = async (authority: TestAuthority): Promise<readonly unknown[]> => {
  const { devices } = (await clientOf(authority).listDevices()) as {
    devices: { deviceId: string }[];
  };
  return devices.map(({ deviceId }) => deviceId);
};

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
    expect(await idsOf(authority)).toEqual([]);
  });

  test("tells people with a histogram, and that the canary is restored", async () => {
    await using authority = await startTestAuthority();
    await clientOf(authority).register(CANARY);
    const args = ["drill", "--device", CANARY, "--count", "1"];
    const { code, stdout } = await runCli(args, { env: env(authority) });
    expect(code).toBe(0);
    expect(stdout).toMatch(/P50\s+P99\s+MAX/);
    expect(stdout).toContain("█");
    expect(stdout).toContain(`${CANARY} is restored`);
    expect(await clientOf(authority).validate(CANARY)).toMatchObject({ allowed: true });
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

  test.each([["a device that was there", true] as const, ["its own device", false] as const])(
    "leaves %s as it was when it is interrupted",
    async (_name, wasThere) => {
      await using authority = await startTestAuthority();
      const client = clientOf(authority);
      if (wasThere) await client.register(CANARY);
      const args = ["drill", "--device", CANARY, "--count", "100000"];
      const running = startCli(args, { env: env(authority) });
      await running.until(/Drilling/);
      running.process.kill("SIGINT");
      expect(await running.finished).toMatchObject({ code: 130, stderr: "" });
      if (wasThere) expect(await client.validate(CANARY)).toMatchObject({ allowed: true });
      else expect(await idsOf(authority)).toEqual([]);
    },
  );
});

test("a summary names values that were measured, by their nearest rank", () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(summarize(samples)).toEqual({ p50: 50, p99: 99, max: 100 });
  expect(summarize([7])).toEqual({ p50: 7, p99: 7, max: 7 });
  expect(summarize([3, 1])).toEqual({ p50: 1, p99: 3, max: 3 });
  const thousand = Array.from({ length: 1000 }, (_, index) => index + 0.5);
  expect(summarize(thousand)).toEqual({ p50: 499.5, p99: 989.5, max: 999.5 });
});

test("a histogram counts every sample once, in the range that it belongs to", () => {
  const bar = (width: number): string => "█".repeat(width).padEnd(40);
  expect(histogram([0, 1, 1.5, 4, 10.5, 10.5, 10.5, 10.5])).toEqual([
    `    ≤ 1 ms  ${bar(20)}  2`,
    `    ≤ 2 ms  ${bar(10)}  1`,
    `    ≤ 5 ms  ${bar(10)}  1`,
    `   ≤ 10 ms  ${bar(0)}  0`,
    `   ≤ 20 ms  ${bar(40)}  4`,
  ]);
  expect(histogram([99_999])).toEqual([`> 10000 ms  ${bar(40)}  1`]);
});

test("a round is judged by when its side effects began", () => {
  const at = (asked: number, began: number): SideEffect => ({
    askedNs: BigInt(asked),
    beganNs: BigInt(began),
  });
  const revoked: Revoked = {
    sentNs: 1_000_000n,
    version: 7,
    answeredMs: null,
    fencedMs: 5,
    drainedMs: 6,
    isLate: ({ beganNs }) => beganNs > 6_000_000n,
    promise: "began late",
    broken: [],
  };
  const measured = { version: 7, answeredMs: null, fencedMs: 5, drainedMs: 6 };
  expect(judge(revoked, [at(1, 999_999), at(2, 1_000_000)])).toEqual({
    ...measured,
    lastSideEffectMs: 0,
    sideEffects: 0,
    broken: [],
  });
  expect(judge(revoked, [at(1, 3_500_000), at(1, 6_000_000), at(1, 2_000_000)])).toEqual({
    ...measured,
    lastSideEffectMs: 5,
    sideEffects: 3,
    broken: [],
  });
  expect(judge({ ...revoked, broken: ["slow"] }, [at(1, 6_000_001)])).toMatchObject({
    sideEffects: 1,
    broken: ["slow", "1 side effect began late"],
  });
});

test("side effects are read as far as they are written", () => {
  using directory = temporaryDirectory();
  const file = directory.file("effects");
  const effects = new SideEffects(file);
  expect(effects.readNew()).toEqual([]);
  appendFileSync(file, "1 2\n3 4\n5");
  expect(effects.readNew()).toEqual([
    { askedNs: 1n, beganNs: 2n },
    { askedNs: 3n, beganNs: 4n },
  ]);
  appendFileSync(file, " 6\n");
  expect(effects.readNew()).toEqual([{ askedNs: 5n, beganNs: 6n }]);
});
