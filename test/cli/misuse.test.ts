import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import type { Mode, ScriptedAuthority } from "../support/scripted-authority.ts";
import { CLI, cleanEnv, runCli, temporaryDirectory } from "./spawn.ts";

const KEY = "org_0123456789abcdef0123";
let authority: ScriptedAuthority;

beforeAll(async () => {
  authority = await startScriptedAuthority();
});

afterAll(() => authority.close());

const run = (...args: string[]): ReturnType<typeof runCli> =>
  runCli(args, { env: { MACHINEID_BASE_URL: authority.url, MACHINEID_ORG_KEY: KEY } });

const oneLine = expect.stringMatching(/^machineid: [^\n]+\n$/);

describe("a call that is wrong ends with 2 and one line that says how to mend it", () => {
  test.each([
    [["nope"], "Unknown command"],
    [["toString"], "Unknown command"],
    [["org", "drop"], "Unknown command"],
    [["--json", "list"], "options go after the command"],
    [["list", "--frob"], "Unknown option"],
    [["list", "--no-json"], "Unknown option"],
    [["list", "extra"], "too many"],
    [["list", "--key-file"], "--key-file"],
    [["validate"], "DEVICE is missing"],
    [["validate", "a", "b"], "too many"],
    [["validate", ""], "must not be empty"],
    [["validate", "a\u0007b"], "control characters"],
    [["revoke"], "DEVICE is missing"],
    [["list", "--timeout-ms", "soon"], "--timeout-ms must be"],
    [["list", "--json=maybe"], "--json"],
    [["serve", "--port", "70000"], "--port (or MACHINEID_PORT) must be"],
    [["serve", "--plan", "huge"], "--plan (or MACHINEID_PLAN) must be"],
    [["serve", "--db", ""], "--db needs"],
    [["serve", "--log-level", "loud"], "--log-level (or MACHINEID_LOG_LEVEL) must be"],
    [
      ["serve", "--port", "0", "--owner-key", "short", "--db", ":memory:", "--log-level=silent"],
      "owner key",
    ],
    [["org", "plan"], "ORG is missing"],
  ])("%j", async (args, words) => {
    const result = await run(...args);
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(words) });
    expect(result.stderr).toEqual(oneLine);
  });

  test.each([
    [["list", KEY]],
    [[KEY]],
    [["list", "--key", KEY]],
    [["list", `--key=${KEY}`, "--debug"]],
  ])("a key typed where none belongs is not repeated: %#", async (args) => {
    const result = await run(...args);
    expect(result.code).toBe(2);
    expect(result.stdout + result.stderr).not.toContain(KEY);
  });

  test("no command at all shows what there is", async () => {
    const result = await run();
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("machineid <command> --help");
  });
});

describe("no answer that decides anything ends with 4", () => {
  test.each<[Mode, string]>([
    ["down", "AUTHORITY_UNREACHABLE"],
    ["hang", "AUTHORITY_TIMEOUT"],
    ["nonsense", "AUTHORITY_MALFORMED"],
    ["error", "AUTHORITY_ERROR"],
  ])("validate, authority %s", async (mode, code) => {
    await authority.become(mode);
    const result = await run("validate", "a-1", "--json", "--timeout-ms", "1500");
    await authority.become("allow");
    expect(result).toMatchObject({ code: 4, stderr: oneLine });
    expect(result.stderr + result.stdout).not.toContain(KEY);
    expect(JSON.parse(result.stdout)).toMatchObject({ status: "error", allowed: false, code });
  });

  test.each<[Mode]>([["down"], ["hang"], ["nonsense"], ["error"]])(
    "revoke does not claim to have revoked, authority %s",
    async (mode) => {
      await authority.become(mode);
      const result = await run("revoke", "a-1", "--timeout-ms", "1500");
      await authority.become("allow");
      expect(result).toMatchObject({ code: 4, stdout: "", stderr: oneLine });
    },
  );
});

describe("keys and URLs", () => {
  test("no key: 1, and how to set one", async () => {
    const result = await runCli(["validate", "a-1"]);
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: oneLine });
    expect(result.stderr).toContain("MACHINEID_ORG_KEY");
  });

  test("a key does not travel over plain http to another machine", async () => {
    const env = { MACHINEID_ORG_KEY: KEY, MACHINEID_BASE_URL: "http://192.0.2.1" };
    const result = await runCli(["list"], { env });
    expect(result).toMatchObject({ code: 1, stderr: oneLine });
    expect(result.stderr).toContain("--allow-insecure-http");
  });

  test("a key file that is missing or empty", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.file("empty"), "\n");
    for (const name of ["missing", "empty"]) {
      const result = await runCli(["list", "--key-file", directory.file(name)]);
      expect(result).toMatchObject({ code: 1, stdout: "", stderr: oneLine });
    }
  });

  test("a file that came with a checkout does not say where a key goes", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.file("owner.key"), KEY);
    const found = { url: authority.url, pid: process.pid };
    writeFileSync(directory.file("machineid.db.server.json"), JSON.stringify(found), {
      mode: 0o644,
    });
    const before = authority.requests.length;
    const args = ["list", "--key-file", "owner.key", "--db", "machineid.db"];
    expect(await runCli(args, { cwd: directory.path })).toMatchObject({ code: 4 });
    expect(authority.requests).toHaveLength(before);
  });
});

test.each(["-h", "--help"])("validate never says 0 for a device called %s", async (device) => {
  expect(await run("validate", device)).toMatchObject({ code: 2 });
  expect(await run("validate", "nobody", device)).toMatchObject({ code: 2 });
});

describe("help and version", () => {
  const commands = [
    [],
    ...["demo", "serve", "register", "validate", "list", "revoke", "unrevoke", "remove"].map(
      (name) => [name],
    ),
    ...["usage", "doctor", "mcp", "org", "org create", "org list", "org plan"].map((name) =>
      name.split(" "),
    ),
  ];

  test.each(commands.map((command) => [command]))("%j --help", async (command) => {
    const result = await run(...command, "--help");
    expect(result).toMatchObject({ code: command[0] === "validate" ? 2 : 0, stderr: "" });
    expect(result.stdout).toContain(["USAGE machineid", ...command].join(" "));
  });

  test("help COMMAND is COMMAND --help", async () => {
    expect(await run("help", "serve")).toEqual(await run("serve", "--help"));
  });

  test("--version is the package's", async () => {
    const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
    expect(await run("--version")).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });
});

test("--debug adds the stack, and nothing else does", async () => {
  await authority.become("down");
  const quiet = await run("list");
  const loud = await run("list", "--debug");
  await authority.become("allow");
  expect(quiet.stderr).not.toContain("    at ");
  expect(loud.stderr).toContain("    at ");
  expect(loud.stderr).not.toContain(KEY);
});

test("what an authority says cannot act on the terminal", async () => {
  const result = await run("validate", "a\u202eb");
  expect(result.stdout).toContain("a\\u{202e}b");
});

test.skipIf(!existsSync("/dev/full"))(
  "an answer that could not be written is no success",
  async () => {
    const full = openSync("/dev/full", "w");
    const env = cleanEnv({ MACHINEID_BASE_URL: authority.url, MACHINEID_ORG_KEY: KEY });
    const child = spawn(process.execPath, [CLI, "validate", "a-1"], {
      env,
      stdio: ["ignore", full, "pipe"],
    });
    const [code] = (await once(child, "exit")) as [number];
    closeSync(full);
    expect(code).toBe(1);
  },
);
