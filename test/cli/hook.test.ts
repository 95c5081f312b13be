import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { answerHook } from "../../src/cli/hook/claude-code.ts";
import { MAX_INPUT_BYTES } from "../../src/cli/hook/hook-input.ts";
import { createGuard } from "../../src/index.ts";
import { startTcpServer } from "../support/http-server.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import type { Mode } from "../support/scripted-authority.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const TOOL_CALL = JSON.stringify({
  session_id: "s",
  transcript_path: "/t",
  cwd: "/",
  hook_event_name: "PreToolUse",
  tool_name: "Bash",
  tool_input: { command: "ls" },
  tool_use_id: "toolu_1",
});
const PROMPT = JSON.stringify({ hook_event_name: "UserPromptSubmit", prompt: "hello" });

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface HookProcess {
  readonly url: string;
  readonly input: string | undefined;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Closes the reading end of stdout before the hook can write. */
  readonly deaf?: boolean;
}

async function hook({ url, input, args = [], env = {}, deaf }: HookProcess): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, "hook", "claude-code", ...args], {
    env: {
      PATH: process.env["PATH"],
      MACHINEID_BASE_URL: url,
      MACHINEID_ORG_KEY: "org_scripted",
      MACHINEID_DEVICE_ID: "assistant",
      ...env,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  if (deaf === true) child.stdout.destroy();
  else child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => undefined);
  if (input !== undefined) child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** Whether Claude Code would run the tool: 0 with no decision, or any code that is not 2. */
function letsThrough({ code, stdout }: Ended): boolean {
  if (code === 2) return false;
  if (code !== 0) return true;
  if (stdout === "") return true;
  const answer = JSON.parse(stdout) as {
    decision?: string;
    hookSpecificOutput?: { hookEventName?: string; permissionDecision?: string };
  };
  const { hookEventName, permissionDecision } = answer.hookSpecificOutput ?? {};
  const isDenied = hookEventName === "PreToolUse" && permissionDecision === "deny";
  return !isDenied && answer.decision !== "block";
}

const payload = (code: string): string =>
  JSON.stringify({ reason: "execution_denied", code, retryable: false });

test("an allow says nothing, so that the user's own permissions still decide", async () => {
  await using authority = await startScriptedAuthority();
  for (const input of [TOOL_CALL, PROMPT]) {
    expect(await hook({ url: authority.url, input })).toEqual({ code: 0, stdout: "", stderr: "" });
  }
  expect(authority.requests).toEqual(["/api/v1/devices/validate", "/api/v1/devices/validate"]);
});

test("a denial answers in the hook's format, and Claude reads the fixed payload", async () => {
  await using authority = await startScriptedAuthority("revoked");
  const tool = await hook({ url: authority.url, input: TOOL_CALL });
  expect(tool.code).toBe(0);
  expect(JSON.parse(tool.stdout)).toEqual({
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision: "deny",
      permissionDecisionReason: payload("DEVICE_REVOKED"),
    },
  });
  const prompt = await hook({ url: authority.url, input: PROMPT });
  expect(JSON.parse(prompt.stdout)).toEqual({
    decision: "block",
    reason: payload("DEVICE_REVOKED"),
  });
});

test.each<Mode>(["revoked", "hang", "nonsense", "error"])(
  "an authority that is %s blocks",
  async (mode) => {
    await using authority = await startScriptedAuthority(mode);
    const ended = await hook({
      url: authority.url,
      input: TOOL_CALL,
      args: ["--timeout-ms", "200"],
    });
    expect(letsThrough(ended)).toBe(false);
  },
);

test("an authority that cannot be reached blocks", async () => {
  await using server = await startTcpServer((socket) => socket.resetAndDestroy());
  const ended = await hook({ url: server.url, input: TOOL_CALL });
  expect(ended.stdout).toContain(JSON.stringify(payload("AUTHORITY_UNREACHABLE")).slice(1, -1));
  expect(letsThrough(ended)).toBe(false);
});

describe("an authority that allows does not help", () => {
  const broken: readonly [string, Omit<HookProcess, "url">][] = [
    ["empty input", { input: "" }],
    ["input that is no JSON", { input: "{" }],
    ["input that is no object", { input: "7" }],
    ["null", { input: "null" }],
    ["a list", { input: `[${TOOL_CALL}]` }],
    ["an event that cannot be blocked", { input: '{"hook_event_name":"SessionStart"}' }],
    ["a tool call without a tool", { input: '{"hook_event_name":"PreToolUse"}' }],
    [
      "a tool's name that is no string",
      { input: '{"hook_event_name":"PreToolUse","tool_name":1}' },
    ],
    ["no key", { input: TOOL_CALL, env: { MACHINEID_ORG_KEY: "" } }],
    ["a key that no key is", { input: TOOL_CALL, env: { MACHINEID_ORG_KEY: "a b" } }],
    ["a key file that is missing", { input: TOOL_CALL, args: ["--key-file", "/nowhere/key"] }],
    ["no device", { input: TOOL_CALL, env: { MACHINEID_DEVICE_ID: " " } }],
    ["a device id that none is", { input: TOOL_CALL, args: ["--device", "a\u0007b"] }],
    ["a base URL that none is", { input: TOOL_CALL, env: { MACHINEID_BASE_URL: "nowhere" } }],
    ["a timeout that none is", { input: TOOL_CALL, args: ["--timeout-ms", "soon"] }],
    ["an option that is misspelt", { input: TOOL_CALL, args: ["--devise", "x"] }],
    ["an argument too many", { input: TOOL_CALL, args: ["extra"] }],
    ["nobody who reads the answer", { input: PROMPT, env: { MACHINEID_ORG_KEY: "" }, deaf: true }],
  ];
  test.each(broken)("%s blocks", async (_name, options) => {
    await using authority = await startScriptedAuthority();
    const ended = await hook({ url: authority.url, ...options });
    expect({ ...ended, through: letsThrough(ended) }).toMatchObject({ through: false });
  });
});

test("what blocks by its exit code shows Claude the fixed payload alone", async () => {
  await using authority = await startScriptedAuthority();
  const ended = await hook({ url: authority.url, input: "{" });
  expect(ended).toEqual({ code: 2, stdout: "", stderr: `${payload("RUN_STOPPED")}\n` });
});

test("the device may be named on the command line", async () => {
  await using authority = await startScriptedAuthority();
  const ended = await hook({
    url: authority.url,
    input: TOOL_CALL,
    args: ["--device", "other"],
    env: { MACHINEID_DEVICE_ID: "" },
  });
  expect(ended).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("a process that is told to end blocks", async () => {
  await using authority = await startScriptedAuthority();
  const child = spawn(process.execPath, [MAIN, "hook", "claude-code"], {
    env: {
      PATH: process.env["PATH"],
      MACHINEID_BASE_URL: authority.url,
      MACHINEID_ORG_KEY: "org_a",
      MACHINEID_DEVICE_ID: "a",
    },
    stdio: ["pipe", "ignore", "ignore"],
  });
  // The hook has begun once it has asked, and it asks once it has read its input.
  authority.onValidation = () => {
    child.kill("SIGTERM");
    return authority.become("hang");
  };
  child.stdin.end(TOOL_CALL);
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(2);
});

describe("within the process", () => {
  const chunks = async function* (...parts: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const part of parts) yield new TextEncoder().encode(part);
  };
  const never = async function* (): AsyncGenerator<Uint8Array> {
    yield await new Promise<Uint8Array>(() => undefined);
  };

  test("input in pieces is read whole", async () => {
    await using authority = await startScriptedAuthority();
    const makeGuard = () => createGuard(authority.client(), { deviceId: "a", register: false });
    const input = chunks(TOOL_CALL.slice(0, 40), TOOL_CALL.slice(40));
    expect(await answerHook({ input, makeGuard, deadlineMs: 5000 })).toEqual({ exitCode: 0 });
  });

  test("input that is too large, never ends or is no text blocks", async () => {
    const makeGuard = (): never => {
      throw new Error("not reached");
    };
    const large = chunks(TOOL_CALL, " ".repeat(MAX_INPUT_BYTES));
    const binary = (async function* () {
      yield Uint8Array.of(0xff, 0xfe);
    })();
    for (const input of [large, never(), binary]) {
      expect(await answerHook({ input, makeGuard, deadlineMs: 50 })).toMatchObject({ exitCode: 2 });
    }
  });

  test("a guard that cannot be made, or that never answers, denies", async () => {
    const failing = (): never => {
      throw new Error("secret words");
    };
    const answer = await answerHook({
      input: chunks(TOOL_CALL),
      makeGuard: failing,
      deadlineMs: 5000,
    });
    expect(answer.exitCode).toBe(0);
    expect(answer.stdout).toContain("RUN_STOPPED");
    expect(answer.stdout).not.toContain("secret");
    const silent = createGuard({ request: () => new Promise(() => undefined) }, { deviceId: "a" });
    const late = await answerHook({
      input: chunks(TOOL_CALL),
      makeGuard: () => silent,
      deadlineMs: 50,
    });
    expect(late.stdout).toContain('"deny"');
  });
});

test("a hook that can write nothing blocks", async () => {
  await using authority = await startScriptedAuthority("revoked");
  for (const input of ["nonsense", TOOL_CALL]) {
    const child = spawn(process.execPath, [MAIN, "hook", "claude-code"], {
      env: {
        PATH: process.env["PATH"],
        MACHINEID_BASE_URL: authority.url,
        MACHINEID_ORG_KEY: "org_a",
        MACHINEID_DEVICE_ID: "a",
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    // Nobody reads: whatever is written fails.
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin.end(input);
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(2);
  }
});
