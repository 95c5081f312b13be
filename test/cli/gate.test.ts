import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MachineID } from "../../src/index.ts";
import { CLI, cleanEnv, runCli, startCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Served } from "./spawn.ts";

const modulePath = (path: string): string =>
  fileURLToPath(new URL(`../../node_modules/@modelcontextprotocol/${path}`, import.meta.url));
const EVERYTHING = [process.execPath, modulePath("server-everything/dist/index.js"), "stdio"];
const FILESYSTEM = [process.execPath, modulePath("server-filesystem/dist/index.js")];
const INSPECTOR = modulePath("inspector/clients/launcher/build/index.js");

let served: Served;
let machineid: MachineID;
let next = 0;

beforeAll(async () => {
  served = await startServe(":memory:");
  machineid = new MachineID({ orgKey: served.ownerKey, baseUrl: served.url });
});

afterAll(() => served[Symbol.asyncDispose]());

/** A device that is registered. */
async function newDevice(): Promise<string> {
  next += 1;
  const deviceId = `gate-${next}`;
  await machineid.register(deviceId);
  return deviceId;
}

const environment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(cleanEnv(served.env)).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );

async function connect(args: readonly string[]): Promise<Client & AsyncDisposable> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI, "gate", ...args],
    env: environment(),
    stderr: "ignore",
  });
  const client = new Client({ name: "test", version: "1" }, { capabilities: { roots: {} } });
  await client.connect(transport);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** A server that a test writes, in lines of JSON. */
const SERVER = `
import { createInterface } from "node:readline";
import { appendFileSync } from "node:fs";
const [, , file] = process.argv;
appendFileSync(file, process.pid + "\\n");
const say = (message) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") say({ id, result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } } });
  if (method === "ping") say({ id, result: {} });
  if (method === "notifications/cancelled") appendFileSync(file, "cancelled " + params.reason + "\\n");
  if (method !== "tools/call") continue;
  appendFileSync(file, "called " + params.name + "\\n");
  if (params.name === "crash") process.exit(9);
  if (params.name === "wrong") say({ id: 4711, result: { content: [] } });
  if (params.name === "flood") for (let n = 0; n < 20000; n += 1) say({ method: "notifications/message", params: { level: "info", data: n } });
  if (params.name === "noise") console.log("this is no message");
  if (params.name === "stay") setInterval(() => undefined, 1000);
  if (["quick", "flood", "noise", "echo"].includes(params.name)) say({ id, result: { content: [], echo: line } });
}
if (process.env.STAYS) setInterval(() => undefined, 1000);
`;

interface Scripted {
  readonly args: readonly string[];
  readonly log: () => string;
  readonly pid: () => Promise<number>;
}

function scripted(directory: { file(name: string): string }): Scripted {
  const [script, file] = [directory.file("server.mjs"), directory.file("log")];
  writeFileSync(script, SERVER);
  const log = (): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
  return {
    args: ["--", process.execPath, script, file],
    log,
    async pid() {
      while (!log().includes("\n")) await delay(5);
      return Number.parseInt(log(), 10);
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

const HELLO = {
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } },
};
const frame = (message: object): string => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const call = (id: unknown, name: string, args: object = {}): object => ({
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

describe("machineid gate in front of real servers", () => {
  test("server-everything answers as it does ungated, until the device is revoked", async () => {
    const device = await newDevice();
    await using client = await connect(["--device", device, "--", ...EVERYTHING]);
    await using bare = new Client({ name: "test", version: "1" }, { capabilities: { roots: {} } }) as Client & AsyncDisposable;
    Object.assign(bare, { [Symbol.asyncDispose]: () => bare.close() });
    const [command = "", ...args] = EVERYTHING;
    await bare.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
    const seen = async (each: Client): Promise<unknown> => [
      each.getServerVersion(),
      each.getServerCapabilities(),
      each.getInstructions(),
      (await each.listTools()).tools,
      await each.listResources(),
      (await each.listPrompts()).prompts,
      await each.callTool({ name: "echo", arguments: { message: "hello" } }),
      await each.callTool({ name: "get-sum", arguments: { a: 2, b: 3 } }),
      await each.callTool({ name: "get-tiny-image" }),
      await each.callTool({ name: "no-such-tool" }),
      await each.getPrompt({ name: "simple-prompt" }),
    ];
    expect(await seen(client)).toEqual(await seen(bare));
    await machineid.revoke(device);
    expect(await client.callTool({ name: "echo", arguments: { message: "hello" } })).toEqual({
      isError: true,
      content: [
        {
          type: "text",
          text: '{"reason":"execution_denied","code":"DEVICE_REVOKED","retryable":false}',
        },
      ],
    });
  });

  test("server-filesystem reads and writes while it may, and then no more", async () => {
    using directory = temporaryDirectory();
    const device = await newDevice();
    writeFileSync(directory.file("a.txt"), "first");
    await using client = await connect(["--device", device, "--", ...FILESYSTEM, directory.path]);
    const write = (content: string) =>
      client.callTool({ name: "write_file", arguments: { path: directory.file("a.txt"), content } });
    expect(await write("second")).not.toMatchObject({ isError: true });
    await machineid.revoke(device);
    expect(await write("third")).toMatchObject({ isError: true });
    expect(readFileSync(directory.file("a.txt"), "utf8")).toBe("second");
    await machineid.unrevoke(device);
    expect(await write("fourth")).not.toMatchObject({ isError: true });
    expect(readFileSync(directory.file("a.txt"), "utf8")).toBe("fourth");
  });

  test("the inspector's command line works through it", { timeout: 40_000 }, async () => {
    const device = await newDevice();
    const inspect = async (): Promise<string> => {
      const child = spawn(
        process.execPath,
        [
          ...[INSPECTOR, "--cli", process.execPath, CLI, "gate", "--device", device],
          ...["--", ...EVERYTHING, "--method", "tools/call", "--tool-name", "echo"],
          ...["--tool-arg", "message=hello"],
        ],
        { env: environment(), stdio: ["ignore", "pipe", "pipe"] },
      );
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => (output += text));
      }
      await new Promise((resolve) => child.on("close", resolve));
      return output;
    };
    expect(await inspect()).toContain("Echo: hello");
    await machineid.revoke(device);
    expect(await inspect()).toContain("DEVICE_REVOKED");
  });
});

describe.runIf(process.platform === "linux")("nothing is left behind", () => {
  test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)("after %s", async (signal) => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const env = { ...served.env, STAYS: "1" };
    const running = startCli(["gate", "--device", await newDevice(), ...server.args], { env, keepStdinOpen: true });
    running.process.stdin?.write(frame(HELLO) + frame(call(2, "stay")));
    await running.firstLine();
    const pid = await server.pid();
    while (!server.log().includes("called stay")) await delay(5);
    expect(isAlive(pid)).toBe(true);
    running.process.kill(signal);
    await running.finished;
    while (isAlive(pid)) await delay(5);
  });

  test("after stdin was closed in mid-call, even by a server that stays", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const env = { ...served.env, STAYS: "1" };
    const input = frame(HELLO) + frame(call(2, "stay"));
    const args = ["gate", "--device", await newDevice(), ...server.args];
    const { code } = await runCli(args, { env, input });
    expect(code).toBe(0);
    expect(isAlive(await server.pid())).toBe(false);
  });
});

describe("trouble", () => {
  test("what came in before stdin was closed is answered", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const input = frame(HELLO) + frame(call(2, "quick")) + frame({ id: 3, method: "ping" });
    const args = ["gate", "--device", await newDevice(), ...server.args];
    const { stdout, code } = await runCli(args, { env: served.env, input });
    const ids = stdout.trim().split("\n").map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids.toSorted()).toEqual([1, 2, 3]);
    expect(code).toBe(0);
  });

  test("a server that crashes in mid-call: the call is answered, and the gate ends with 1", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const running = startCli(["gate", "--device", await newDevice(), ...server.args], {
      env: served.env,
      keepStdinOpen: true,
    });
    running.process.stdin?.write(frame(HELLO) + frame(call(2, "crash")));
    await running.until(/"id":2,"error":\{"code":-32603/);
    const { code, stderr } = await running.finished;
    expect(code).toBe(1);
    expect(stderr).toContain("ended by itself: exit code 9");
  });

  test("a server that answers the wrong id, floods, and prints what is no message", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const messages = [HELLO, call(2, "wrong"), call(3, "flood"), call(4, "noise"), call(5, "quick")];
    const running = startCli(["gate", "--device", await newDevice(), ...server.args], {
      env: served.env,
      keepStdinOpen: true,
    });
    running.process.stdin?.write(messages.map((message) => frame(message)).join(""));
    await running.until(/"id":5,"result"/);
    running.process.stdin?.end();
    const { stdout } = await running.finished;
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line) as { id?: number; method?: string });
    expect(lines.filter(({ id }) => id === 4711)).toEqual([]);
    expect(lines.filter(({ method }) => method !== undefined)).toHaveLength(20_000);
    expect(lines.flatMap(({ id }) => id ?? []).toSorted()).toEqual([1, 2, 3, 4, 5]);
  });

  test("a device that is revoked during a call: the server is told, and the client answered", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const device = await newDevice();
    const running = startCli(["gate", "--recheck-ms", "50", "--device", device, ...server.args], {
      env: served.env,
      keepStdinOpen: true,
    });
    running.process.stdin?.write(frame(HELLO) + frame(call(2, "stay")));
    while (!server.log().includes("called stay")) await delay(5);
    await machineid.revoke(device);
    await running.until(/"id":2,"result":\{"isError":true.*DEVICE_REVOKED/);
    while (!server.log().includes("cancelled execution_denied")) await delay(5);
    running.process.stdin?.end();
    expect((await running.finished).stderr).toMatch(/tool "stay" refused: DEVICE_REVOKED \(request /);
  });

  test("messages that are none, and one that is too long, are answered and go no further", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const input = [
      frame(HELLO),
      "no json\n",
      `${JSON.stringify([{ jsonrpc: "2.0", ...call(7, "batch") }])}\n`,
      `{"jsonrpc":"2.0","id":8,"method":5}\n`,
      `{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"null-id"}}\n`,
      frame(call(9, "long", { text: "x".repeat(10 * 1024 * 1024) })),
      `{"jsonrpc":"2.0","id":10,"method":"ping","method":"tools/call","Method":"ping","params":{"name":"echo","arguments":{"n":12345678901234567890,"f":1.0}}}\n`,
    ].join("");
    const args = ["gate", "--device", await newDevice(), ...server.args];
    const { stdout } = await runCli(args, { env: served.env, input });
    const answers = stdout.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (id: unknown) => answers.find((answer) => answer["id"] === id);
    expect(of(null)).toMatchObject({ error: { code: -32700 } });
    expect(of(8)).toMatchObject({ error: { code: -32600 } });
    expect(of(9)).toMatchObject({ error: { code: -32600, message: /at most/ } });
    expect(of(10)).toMatchObject({
      result: {
        echo: '{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"echo","arguments":{"n":12345678901234567890,"f":1.0}}}',
      },
    });
    expect(server.log().split("\n").slice(1)).toEqual(["called echo", ""]);
  });

  test("the server does not get the keys", async () => {
    using directory = temporaryDirectory();
    const file = directory.file("env");
    const code = `require("node:fs").writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.env))`;
    const args = ["gate", "--device", await newDevice(), "--", process.execPath, "-e", code];
    await runCli(args, { env: { ...served.env, OTHER: "kept" } });
    const env = readFileSync(file, "utf8");
    expect(env).toContain('"OTHER":"kept"');
    for (const key of [served.ownerKey, served.adminKey]) expect(env).not.toContain(key);
  });
});

describe("misuse", () => {
  test.each([
    [["gate", "--device", "a"], /Name one server/],
    [["gate", "--device", "a", "--url", "http://127.0.0.1:1/mcp", "--", "x"], /Name one server/],
    [["gate", "--device", "a", "x", "--", "y"], /argument/],
    [["gate", "--device", "a", "--url", "ftp://x"], /--url must be/],
    [["gate", "--device", "a", "--header", "a: b", "--", "x"], /--header is for/],
    [["gate", "--device", "a", "--recheck-ms", "0", "--", "x"], /--recheck-ms/],
    [["gate", "--", "x"], /device/i],
    [["gate", "--devise", "a", "--", "x"], /devise/],
  ])("%j", async (args, words) => {
    const { code, stdout, stderr } = await runCli(args, { env: served.env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(words);
  });

  test("a program that is not there", async () => {
    const args = ["gate", "--device", "a", "--", "no-such-program", "--json"];
    const { code, stdout, stderr } = await runCli(args, { env: served.env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/could not be started: .*ENOENT.*Check the command after --/);
  });
});
