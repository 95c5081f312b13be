import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MachineID } from "../../src/index.ts";
import { isAlive } from "./family.ts";
import { call, frame, HELLO } from "./gate-fixture.ts";
import { CLI, cleanEnv, startServe, temporaryDirectory } from "./spawn.ts";
import type { Served } from "./spawn.ts";

const require = createRequire(import.meta.url);
const EVERYTHING = [
  process.execPath,
  require.resolve("@modelcontextprotocol/server-everything/dist/index.js"),
  "stdio",
];
const FILESYSTEM = [
  process.execPath,
  require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js"),
];
const INSPECTOR =
  require.resolve("@modelcontextprotocol/inspector/clients/launcher/build/index.js");

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

const connect = (args: readonly string[]): Promise<Client & AsyncDisposable> =>
  connectTo([process.execPath, CLI, "gate", ...args]);

async function connectTo([command = "", ...args]: readonly string[]): Promise<
  Client & AsyncDisposable
> {
  const options = { command, args, env: environment(), stderr: "ignore" } as const;
  const transport = new StdioClientTransport(options);
  const client = new Client({ name: "test", version: "1" }, { capabilities: { roots: {} } });
  await client.connect(transport);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

describe("machineid gate in front of real servers", () => {
  test("server-everything answers as it does ungated, until the device is revoked", async () => {
    const device = await newDevice();
    await using client = await connect(["--device", device, "--", ...EVERYTHING]);
    await using bare = await connectTo(EVERYTHING);
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
      client.callTool({
        name: "write_file",
        arguments: { path: directory.file("a.txt"), content },
      });
    expect(await write("second")).not.toMatchObject({ isError: true });
    await machineid.revoke(device, { wait: "fenced" });
    expect(await write("third")).toMatchObject({ isError: true });
    expect(readFileSync(directory.file("a.txt"), "utf8")).toBe("second");
    await machineid.unrevoke(device);
    await expect
      .poll(() => write("fourth"), { timeout: 30_000 })
      .not.toMatchObject({ isError: true });
    expect(readFileSync(directory.file("a.txt"), "utf8")).toBe("fourth");
  });

  test("the inspector's command line works through it", { timeout: 40_000 }, async () => {
    using directory = temporaryDirectory();
    const device = await newDevice();
    const config = directory.file("mcp.json");
    const args = [CLI, "gate", "--device", device, "--", ...EVERYTHING];
    const gated = { command: process.execPath, args, env: environment() };
    writeFileSync(config, JSON.stringify({ mcpServers: { gated } }));
    const inspect = async (): Promise<string> => {
      const call = ["--method", "tools/call", "--tool-name", "echo", "--tool-arg", "message=hello"];
      const child = spawn(
        process.execPath,
        [INSPECTOR, "--cli", "--config", config, "--server", "gated", ...call],
        { env: environment(), stdio: ["ignore", "pipe", "pipe"] },
      );
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => (output += text));
      }
      await once(child, "close");
      return output;
    };
    expect(await inspect()).toContain("Echo: hello");
    await machineid.revoke(device);
    expect(await inspect()).toContain("DEVICE_REVOKED");
  });
});

/** A server of the SDK's whose tool works on, whatever its signal says, and writes down that it does. */
const STUBBORN = `
import { appendFileSync } from "node:fs";
import { McpServer } from ${JSON.stringify(import.meta.resolve("@modelcontextprotocol/sdk/server/mcp.js"))};
import { StdioServerTransport } from ${JSON.stringify(import.meta.resolve("@modelcontextprotocol/sdk/server/stdio.js"))};
const server = new McpServer({ name: "stubborn", version: "1" });
server.registerTool("work", {}, () => new Promise(() => {
  setInterval(() => appendFileSync(process.argv[2], "beat " + process.pid + "\\n"), 5);
}));
await server.connect(new StdioServerTransport());
`;

test("a server that ignores a cancelled call is ended, and only then is the stop drained", async () => {
  using directory = temporaryDirectory();
  const [script, file] = [directory.file("server.mjs"), directory.file("beats")];
  writeFileSync(script, STUBBORN);
  writeFileSync(file, "");
  const deviceId = await newDevice();
  const command = [process.execPath, script, file];
  const gate = spawn(
    process.execPath,
    [CLI, "gate", "--device", deviceId, "--grace", "1s", "--", ...command],
    { env: environment(), stdio: ["pipe", "pipe", "pipe"] },
  );
  const ended = once(gate, "exit");
  const said = text(gate.stderr);
  const answered = text(gate.stdout);
  gate.stdin.write(frame(HELLO) + frame(call(2, "work")));
  await expect.poll(() => readFileSync(file, "utf8"), { timeout: 30_000 }).toContain("beat");
  const answer = await machineid.revoke(deviceId, { wait: "drained", waitTimeoutMs: 30_000 });
  const beats = readFileSync(file, "utf8");
  expect(answer).toMatchObject({ stop: { state: "drained", drained: 1 } });
  expect(isAlive(Number(/beat (\d+)/.exec(beats)?.[1]))).toBe(false);
  expect(readFileSync(file, "utf8")).toBe(beats);
  expect(await ended).toEqual([3, null]);
  expect(await said).toContain("did not end a cancelled call");
  expect(await answered).toContain("execution_denied");
});
