import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGateway } from "../../integrations/mcp/index.ts";
import { serveHttp } from "../../src/cli/gate/serve-http.ts";
import { MachineID } from "../../src/index.ts";
import { recordingGuard } from "../../src/testing/index.ts";
import { createFixtureServer } from "../integrations/mcp/gate/conformance/fixture-server.ts";
import { serveSessions } from "../integrations/mcp/gate/conformance/serve.ts";
import { linePair } from "../integrations/mcp/gate/gates.ts";
import { isAlive } from "./family.ts";
import { HELLO, scripted } from "./gate-fixture.ts";
import { CLI, cleanEnv, startCli, startServe, temporaryDirectory } from "./spawn.ts";
import type { Running, Served } from "./spawn.ts";

let served: Served;
let machineid: MachineID;

beforeAll(async () => {
  served = await startServe(":memory:");
  machineid = new MachineID({ orgKey: served.ownerKey, baseUrl: served.url });
  await machineid.register("gate-http");
  await machineid.register("gate-url");
});

afterAll(() => served[Symbol.asyncDispose]());

async function listeningOn(running: Running): Promise<URL> {
  const { stderr } = running.process;
  if (stderr === null) throw new Error("no stderr");
  for await (const line of createInterface({ input: stderr })) {
    const url = /listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) return new URL(url);
  }
  throw new Error("it ended before it listened");
}

async function connect(url: URL): Promise<Client & { end: () => Promise<void> }> {
  const transport = new StreamableHTTPClientTransport(url);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const end = async (): Promise<void> => {
    await transport.terminateSession();
    await client.close();
  };
  return Object.assign(client, { end });
}

describe("machineid gate --http", () => {
  test("starts a server for each session, and ends it with the session", async () => {
    using directory = temporaryDirectory();
    const server = scripted(directory);
    const options = ["--http", "--port", "0", "--device", "gate-http"];
    const running = startCli(["gate", ...options, ...server.args], { env: served.env });
    const url = await listeningOn(running);
    const pids = (): number[] =>
      server
        .log()
        .split("\n")
        .flatMap((line) => (/^\d+$/.test(line) ? Number(line) : []));
    const first = await connect(url);
    const second = await connect(url);
    expect(await first.callTool({ name: "quick" })).toBeDefined();
    const [a = 0, b = 0, ...others] = pids();
    expect(others).toEqual([]);
    await first.end();
    if (process.platform === "linux") {
      while (isAlive(a)) await delay(5);
      expect(isAlive(b)).toBe(true);
    }
    expect(await second.callTool({ name: "quick" })).toBeDefined();
    await machineid.revoke("gate-http");
    expect(await second.callTool({ name: "quick" })).toMatchObject({ isError: true });
    running.process.kill("SIGTERM");
    expect(await running.finished).toMatchObject({ code: 0 });
    if (process.platform === "linux") expect(isAlive(b)).toBe(false);
  });
});

describe("machineid gate --url", () => {
  test("gates a server over HTTP, with headers of its own", async () => {
    await using remote = await serveSessions(createFixtureServer, {
      require: ["authorization", "Bearer secret: token"],
    });
    const options = ["--device", "gate-url", "--url", remote.url.href];
    const header = ["--header", "Authorization: Bearer secret: token"];
    const env = cleanEnv(served.env) as Record<string, string>;
    const client = new Client({ name: "test", version: "1" });
    const args = [CLI, "gate", ...options, ...header];
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args, env, stderr: "ignore" }),
    );
    const call = { name: "test_simple_text" };
    expect(await client.callTool(call)).not.toMatchObject({ isError: true });
    await machineid.revoke("gate-url");
    expect(await client.callTool(call)).toMatchObject({ isError: true });
    await client.close();
    // The session is over there, too.
    while (remote.sessions() > 0) await delay(5);
  });

  test("a server that cannot be reached is an error for each request", async () => {
    const options = ["--device", "gate-url", "--url", "http://127.0.0.1:1/mcp"];
    const input = `${JSON.stringify({ jsonrpc: "2.0", ...HELLO })}\n`;
    const running = startCli(["gate", ...options], { env: served.env, input });
    expect(JSON.parse(await running.firstLine())).toMatchObject({ id: 1, error: { code: -32603 } });
    await running.finished;
  });
});

describe("over HTTP, the gate refuses", () => {
  const HEADERS = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };

  /** Sends a request as no `fetch` would. */
  function send(
    url: URL,
    {
      method = "POST",
      headers = {},
      body = JSON.stringify({ jsonrpc: "2.0", ...HELLO }),
      path = "/mcp",
    },
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const options = {
        method,
        path,
        headers: { ...HEADERS, ...headers },
      };
      const request = httpRequest(url, options, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", reject).end(method === "GET" ? undefined : body);
    });
  }

  test.each([
    ["another origin", { headers: { origin: "http://evil.example" } }, 403],
    ["an origin that is none", { headers: { origin: "null" } }, 403],
    ["another host", { headers: { host: "evil.example" } }, 403],
    ["a host that looks like ours", { headers: { host: "127.0.0.1.evil.example" } }, 403],
    ["another path", { path: "/" }, 404],
    ["a session that is not there", { headers: { "mcp-session-id": "4711" } }, 404],
    ["a call without a session", { body: '{"jsonrpc":"2.0","id":1,"method":"tools/call"}' }, 400],
    ["a batch", { body: "[]" }, 400],
    ["no JSON", { body: "{" }, 400],
    ["a stream without a session", { method: "GET" }, 400],
    ["what is too large", { body: `"${"x".repeat(10 * 1024 * 1024)}"` }, 413],
  ])("%s, and starts no server", async (_what, request, status) => {
    let started = 0;
    const open = () => {
      started += 1;
      return linePair().client;
    };
    const gateway = createGateway(recordingGuard(), open);
    await using front = await serveHttp(gateway, { host: "127.0.0.1", port: 0 });
    expect(await send(front.url, request)).toBe(status);
    expect(started).toBe(0);
  });

  test("a client that could not read the answer, and lets its server go", async () => {
    const closed = Promise.withResolvers<void>();
    const open = () => {
      const { client } = linePair();
      const close = client.close.bind(client);
      client.close = () => close().finally(closed.resolve);
      return client;
    };
    const gateway = createGateway(recordingGuard(), open);
    await using front = await serveHttp(gateway, { host: "127.0.0.1", port: 0 });
    expect(await send(front.url, { headers: { accept: "text/html" } })).toBe(406);
    await closed.promise;
  });

  test("a client that left while its server started, and lets that server go", async () => {
    const [started, left, closed] = [0, 0, 0].map(() => Promise.withResolvers<void>());
    const gateway = createGateway(recordingGuard(), async () => {
      started?.resolve();
      await left?.promise;
      const { client } = linePair();
      const close = client.close.bind(client);
      client.close = () => close().finally(closed?.resolve);
      return client;
    });
    await using front = await serveHttp(gateway, { host: "127.0.0.1", port: 0 });
    const leaving = new AbortController();
    const sent = fetch(front.url, {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify({ jsonrpc: "2.0", ...HELLO }),
      signal: leaving.signal,
    });
    await started?.promise;
    leaving.abort();
    await expect(sent).rejects.toThrow("aborted");
    // The server has seen the end of that connection when another one is answered.
    await fetch(front.url);
    left?.resolve();
    await closed?.promise;
  });

  test("more sessions than it can serve", async () => {
    const gateway = createGateway(recordingGuard(), () => linePair().client);
    await using front = await serveHttp(gateway, { host: "127.0.0.1", port: 0 });
    // These servers never answer, so that their sessions stay open.
    for (let session = 0; session < 100; session += 1) void send(front.url, {}).catch(() => 0);
    let status = 0;
    while (status !== 503) {
      status = await Promise.race([send(front.url, {}), delay(50, 0)]);
    }
    expect(status).toBe(503);
  });
});
