import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runCli, startCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Finished, Served } from "./spawn.ts";

const linesOf = (text: string): string[] => text.trimEnd().split("\n");

const keysOf = async ({ url }: Served): Promise<string> =>
  (await fetch(`${url}/.well-known/jwks.json`)).text();

test("authority rotate-key announces a key, and says from when it signs", async () => {
  await using own = await startServe(":memory:");
  const rotate = (...args: string[]): Promise<Finished> =>
    runCli(["authority", "rotate-key", ...args], { env: own.env });
  const first = await rotate("--overlap-hours", "2");
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toMatch(
    /^[\w-]{43} signs from .+Z; the keys before it are published until .+Z\n$/,
  );
  const again = await rotate();
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("is announced") });
  expect(await rotate("--overlap-hours", "0", "--json")).toMatchObject({ code: 0 });
  expect(await rotate("--overlap-hours", "x")).toMatchObject({ code: 2 });
});

describe("serve", () => {
  test("keeps of the decisions what it is told to, and denials always", async () => {
    for (const [kept, rows] of [
      ["all", 3],
      ["none", 1],
      ["sampled:0", 1],
      ["sampled:1", 3],
    ] as const) {
      const running = startCli([
        "serve",
        "--port",
        "0",
        "--db",
        ":memory:",
        "--json",
        "--audit-decisions",
        kept,
      ]);
      const { url, ownerKey } = JSON.parse(await running.firstLine()) as Record<string, string>;
      const env = { MACHINEID_BASE_URL: url ?? "", MACHINEID_ORG_KEY: ownerKey ?? "" };
      for (const step of ["validate", "register", "validate", "validate"])
        await runCli([step, "a"], { env });
      const { stdout } = await runCli(["audit", "tail", "--json"], { env });
      const validates = linesOf(stdout).filter((line) => line.includes('"op":"validate"'));
      expect([kept, validates.length]).toEqual([kept, rows]);
      running.process.kill("SIGTERM");
      await running.finished;
    }
  }, 60_000);

  test.each([
    ["--audit-decisions", "some"],
    ["--audit-decisions", "sampled:2"],
    ["--audit-decisions", "sampled:"],
    ["--audit-retention", "0"],
    ["--audit-retention", "week"],
  ])("refuses %s %s", async (name, value) => {
    using directory = temporaryDirectory();
    const path = directory.file("never.db");
    expect(await runCli(["serve", "--db", path, name, value])).toMatchObject({ code: 2 });
    expect(existsSync(path)).toBe(false);
  });
});

test("a decision without a valid receipt is none for the command line, too", async () => {
  await using served = await startServe(":memory:");
  await runCli(["register", "a"], { env: served.env });
  const own = await keysOf(served);
  const env = { ...served.env, MACHINEID_AUTHORITY_KEY: own };
  expect(await runCli(["validate", "a"], { env })).toMatchObject({ code: 0 });
  await using other = await startServe(":memory:");
  const wrong = await keysOf(other);
  const refused = await runCli(["validate", "a"], {
    env: { ...env, MACHINEID_AUTHORITY_KEY: wrong },
  });
  expect(refused).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("the receipt is not to be trusted"),
  });
});
