import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { MachineID } from "../../src/index.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { isAlive } from "./family.ts";
import { call, frame, HELLO, scripted } from "./gate-fixture.ts";
import { runCli, startCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Served } from "./spawn.ts";

let served: Served;
let machineid: MachineID;
let next = 0;

beforeAll(async () => {
  served = await startServe(":memory:");
  machineid = new MachineID({ orgKey: served.ownerKey, baseUrl: served.url });
});

afterAll(() => served[Symbol.asyncDispose]());

/** How many lease channels are open. */
async function channels(): Promise<number> {
  const headers = { "x-admin-key": served.adminKey };
  const answer = await fetch(new URL("/metrics", served.url), { headers });
  return Number(/^machineid_lease_channels (\d+)$/m.exec(await answer.text())?.[1]);
}

/** A device that is registered. */
async function newDevice(): Promise<string> {
  next += 1;
  const deviceId = `gate-${next}`;
  await machineid.register(deviceId);
  return deviceId;
}

describe.runIf(process.platform === "linux")("nothing is left behind", () => {
  test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)("after %s", async (signal) => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const env = { ...served.env, STAYS: "1" };
    const running = startCli(["gate", "--device", await newDevice(), ...server.args], {
      env,
      keepStdinOpen: true,
    });
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
    const ids = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
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
    const messages = [
      HELLO,
      call(2, "wrong"),
      call(3, "flood"),
      call(4, "noise"),
      call(5, "quick"),
    ];
    const running = startCli(["gate", "--device", await newDevice(), ...server.args], {
      env: served.env,
      keepStdinOpen: true,
    });
    running.process.stdin?.write(messages.map((message) => frame(message)).join(""));
    await running.until(/"id":5,"result"/);
    running.process.stdin?.end();
    const { stdout } = await running.finished;
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id?: number; method?: string });
    expect(lines.filter(({ id }) => id === 4711)).toEqual([]);
    expect(lines.filter(({ method }) => method !== undefined)).toHaveLength(20_000);
    expect(lines.flatMap(({ id }) => id ?? []).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  });

  test("a revoke whose push does not arrive: the next call is refused nevertheless", async () => {
    using directory = temporaryDirectory();
    await using proxy = await TcpProxy.open(Number(new URL(served.url).port));
    const server = scripted(directory);
    const device = await newDevice();
    const env = { ...served.env, MACHINEID_BASE_URL: `http://127.0.0.1:${proxy.port}` };
    const options = ["--timeout-ms", "500", "--device", device];
    const running = startCli(["gate", ...options, ...server.args], { env, keepStdinOpen: true });
    const send = (message: object): unknown => running.process.stdin?.write(frame(message));
    send(HELLO);
    send(call(2, "quick"));
    await running.until(/"id":2,"result":\{"content"/);
    await vi.waitUntil(async () => (await channels()) === 1);
    send(call(3, "quick"));
    // From here on there is a lease, which would be good for seconds.
    await running.until(/"id":3,"result":\{"content"/);
    proxy.cutHalfOpen();
    await machineid.revoke(device);
    send(call(4, "quick"));
    await running.until(/"id":4,"result":\{"isError":true/);
    expect(server.log().match(/called quick/g)).toHaveLength(2);
    running.process.stdin?.end();
    await running.finished;
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
    expect((await running.finished).stderr).toMatch(/a call in flight stopped: DEVICE_REVOKED/);
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
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
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

describe("without the SDK", () => {
  /** An environment in which the SDK is not installed. */
  function withoutSdk(directory: { file(name: string): string }): Record<string, string> {
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
    return { ...served.env, NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` };
  }

  test("a server is gated over stdio all the same", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const input = frame(HELLO) + frame(call(2, "quick"));
    const args = ["gate", "--device", await newDevice(), ...server.args];
    const { code, stdout } = await runCli(args, { env: withoutSdk(directory), input });
    expect(code).toBe(0);
    expect(stdout).toMatch(/"id":2,"result"/);
  });

  test("HTTP says how to install it", async () => {
    using directory = temporaryDirectory();
    const args = ["gate", "--device", "a", "--url", "http://127.0.0.1:1/mcp"];
    const { code, stderr } = await runCli(args, { env: withoutSdk(directory) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/npm install @modelcontextprotocol\/sdk/);
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
