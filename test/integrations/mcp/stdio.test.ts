import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CLI,
  cleanEnv,
  runCli,
  startCli,
  startServe,
  temporaryDirectory,
} from "../../cli/spawn.ts";
import type { Served } from "../../cli/spawn.ts";
import { startScriptedAuthority } from "../../support/scripted-authority.ts";
import { callTool } from "./scene.ts";

let served: Served;

beforeAll(async () => {
  served = await startServe(":memory:");
});

afterAll(() => served[Symbol.asyncDispose]());

async function withClient(
  options: readonly string[],
  use: (client: Client) => Promise<void>,
): Promise<void> {
  const env = Object.entries(cleanEnv(served.env)).filter((entry) => entry[1] !== undefined);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI, "mcp", ...options],
    env: Object.fromEntries(env) as Record<string, string>,
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  try {
    await use(client);
  } finally {
    await client.close();
  }
}

/** Whether a process runs. One that has ended may wait for its parent to notice. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, "utf8"));
}

/** Frames of JSON-RPC, as a client writes them. */
const frames = (...messages: readonly object[]): string =>
  messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join("");

const HELLO = [
  {
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    },
  },
  { method: "notifications/initialized" },
];

describe("machineid mcp", () => {
  test("serves a real client over stdio", async () => {
    await withClient([], async (client) => {
      expect(client.getServerVersion()).toMatchObject({ name: "machineid" });
      expect(client.getInstructions()).toContain("MachineID");
      const deviceId = "stdio-1";
      expect(await callTool(client, "register_device", { deviceId })).toMatchObject({
        structured: { deviceId, isNew: true },
      });
      await callTool(client, "revoke_device", { deviceId });
      expect(await callTool(client, "validate_device", { deviceId })).toMatchObject({
        structured: { allowed: false, code: "DEVICE_REVOKED" },
      });
      expect((await callTool(client, "unrevoke_device", { deviceId })).text).toMatch(
        /^CONSENT_UNAVAILABLE/,
      );
    });
  });

  test("--yes-to-restores and --read-only do what they say", async () => {
    await withClient(["--yes-to-restores"], async (client) => {
      const deviceId = "stdio-2";
      await callTool(client, "register_device", { deviceId });
      await callTool(client, "revoke_device", { deviceId });
      expect(await callTool(client, "unrevoke_device", { deviceId })).toMatchObject({
        structured: { changed: true },
      });
    });
    await withClient(["--read-only"], async (client) => {
      const { tools } = await client.listTools();
      expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
    });
  });

  test("writes nothing but protocol to stdout, answers what came in, and ends with stdin", async () => {
    const call = {
      id: 2,
      method: "tools/call",
      params: { name: "validate_device", arguments: { deviceId: "stdio-none" } },
    };
    const input = `${frames(...HELLO)}this is no message\n${frames(call)}`;
    const result = await runCli(["mcp"], { env: served.env, input });
    expect(result.code).toBe(0);
    const lines = result.stdout.trimEnd().split("\n");
    const answers = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers.map(({ jsonrpc, id }) => [jsonrpc, id])).toEqual([
      ["2.0", 1],
      ["2.0", 2],
    ]);
    expect(answers[1]).toMatchObject({
      result: { structuredContent: { allowed: false, code: "DEVICE_NOT_REGISTERED" } },
    });
    expect(result.stderr).toMatch(/^machineid: mcp: [^\n]+\n$/);
  });

  test("--tools offers these and no others", async () => {
    await withClient(["--tools", " get_usage,list_devices "], async (client) => {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name).toSorted()).toEqual(["get_usage", "list_devices"]);
    });
  });

  test("answers 10 MB of arguments with an error of the protocol, and goes on", async () => {
    await withClient([], async (client) => {
      const huge = "x".repeat(10_000_000);
      const call = client.callTool({ name: "revoke_device", arguments: { deviceId: huge } });
      await expect(call).rejects.toMatchObject({ code: -32_600 });
      expect(await callTool(client, "get_usage", {})).toMatchObject({ isError: false });
    });
  });

  test("is no process left behind when stdin ends in mid-call", async () => {
    await using authority = await startScriptedAuthority();
    const arrived = new Promise<void>((resolve) => {
      authority.onValidation = () => resolve();
    });
    const running = startCli(["mcp", "--timeout-ms", "1000"], {
      env: { MACHINEID_BASE_URL: authority.url, MACHINEID_ORG_KEY: "org_scripted" },
      keepStdinOpen: true,
    });
    await authority.become("hang");
    const call = { name: "revoke_device", arguments: { deviceId: "a-1" } };
    const check = { name: "validate_device", arguments: { deviceId: "a-1" } };
    running.process.stdin?.write(
      frames(
        ...HELLO,
        { id: 2, method: "tools/call", params: call },
        { id: 3, method: "tools/call", params: check },
        { method: "notifications/cancelled", params: { requestId: 3 } },
        { method: "notifications/cancelled", params: { requestId: 3 } },
      ),
    );
    await Promise.race([arrived, running.firstLine()]);
    running.process.stdin?.end();
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    const answers = stdout.trimEnd().split("\n");
    expect(answers.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual([1, 2]);
    expect(answers[1]).toContain("AUTHORITY_TIMEOUT");
  });

  test("is no process left behind when its client is killed", async () => {
    const hold = `
      import { spawn } from "node:child_process";
      const server = spawn(process.execPath, ${JSON.stringify([CLI, "mcp"])}, { stdio: ["pipe", "pipe", "inherit"] });
      server.stdin.write(${JSON.stringify(frames(...HELLO))});
      server.stdout.once("data", () => console.log(server.pid));`;
    const client = spawn(process.execPath, ["--input-type=module", "--eval", hold], {
      env: cleanEnv(served.env),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(client.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(pid).toBeGreaterThan(0);
    client.kill("SIGKILL");
    await expect.poll(() => isAlive(pid), { timeout: 15_000 }).toBe(false);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s ends it", async (signal) => {
    const running = startCli(["mcp"], { env: served.env, keepStdinOpen: true });
    running.process.stdin?.write(frames(...HELLO));
    await running.firstLine();
    running.process.kill(signal);
    expect(await running.finished).toMatchObject({ code: 0, signal: null });
  });

  test("without a key it says so and ends with 1", async () => {
    const result = await runCli(["mcp"]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^machineid: No org key\. [^\n]+\n$/);
  });

  test("without the SDK it says how to install it", async () => {
    using directory = temporaryDirectory();
    const hook = directory.file("without-sdk.mjs");
    writeFileSync(
      hook,
      `import { registerHooks } from "node:module";
       registerHooks({
         resolve(specifier, context, next) {
           if (!specifier.startsWith("@modelcontextprotocol/")) return next(specifier, context);
           throw Object.assign(new Error("not installed"), { code: "ERR_MODULE_NOT_FOUND" });
         },
       });`,
    );
    const env = { ...served.env, NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` };
    const result = await runCli(["mcp"], { env });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/npm install @modelcontextprotocol\/sdk/);
  });
});
