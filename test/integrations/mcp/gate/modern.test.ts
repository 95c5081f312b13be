import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Transport } from "@modelcontextprotocol/client";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { describe, expect, test } from "vitest";
import { createGateway, guardServer } from "../../../../integrations/mcp/index.ts";
import type { GateOptions } from "../../../../integrations/mcp/index.ts";
import { createHttpTransport } from "../../../../src/cli/gate/http-transport.ts";
import { LineTransport } from "../../../../src/cli/gate/line-transport.ts";
import { recordingGuard } from "../../../../src/testing/index.ts";
import type { RecordingGuard } from "../../../../src/testing/index.ts";
import { Bodies } from "./bodies.ts";
import { linePair } from "./gates.ts";
import { startWebServer } from "./web-server.ts";

/** The protocol revision without sessions, which version 2 of the SDK speaks. */
const REVISION = "2026-07-28";

interface Served extends AsyncDisposable {
  readonly transport: Transport;
}

type Serve = (guard: RecordingGuard, bodies: Bodies, options: GateOptions) => Promise<Served>;

function createServer(bodies: Bodies): McpServer {
  const server = new McpServer({ name: "modern", version: "1" });
  server.registerTool("search", {}, async ({ mcpReq }) => {
    await bodies.enter("search", mcpReq.signal);
    return { content: [{ type: "text", text: "found" }] };
  });
  return server;
}

/** A client's side of a gateway over stdio. */
async function behindGateway(gateway: ReturnType<typeof createGateway>): Promise<Served> {
  const { client, streams } = linePair();
  const [input, output] = streams;
  await gateway.connect(new LineTransport({ input, output, answersErrors: true }));
  return {
    transport: client,
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

const ways: Readonly<Record<string, Serve>> = {
  "guardServer over HTTP": async (guard, bodies, options) => {
    const handler = createMcpHandler(() => guardServer(guard, createServer(bodies), options));
    const http = await startWebServer((request) => handler.fetch(request));
    return {
      transport: new StreamableHTTPClientTransport(new URL(`${http.url}/mcp`)),
      async [Symbol.asyncDispose]() {
        await handler.close();
        await http[Symbol.asyncDispose]();
      },
    };
  },
  "guardServer over stdio": async (guard, bodies, options) => {
    const { client, streams } = linePair();
    const served = serveStdio(() => guardServer(guard, createServer(bodies), options), {
      transport: new StdioServerTransport(...streams),
    });
    return { transport: client, [Symbol.asyncDispose]: () => served.close() };
  },
  "gateway over stdio": async (guard, bodies, options) => {
    const upstream = linePair();
    serveStdio(() => createServer(bodies), {
      transport: new StdioServerTransport(...upstream.streams),
    });
    return behindGateway(createGateway(guard, () => upstream.client, options));
  },
  "gateway in front of HTTP": async (guard, bodies, options) => {
    const handler = createMcpHandler(() => createServer(bodies), { legacy: "reject" });
    const http = await startWebServer((request) => handler.fetch(request));
    const upstream = { url: new URL(`${http.url}/mcp`), headers: {} };
    const served = await behindGateway(
      createGateway(guard, () => createHttpTransport(upstream), options),
    );
    return {
      transport: served.transport,
      async [Symbol.asyncDispose]() {
        await served[Symbol.asyncDispose]();
        await handler.close();
        await http[Symbol.asyncDispose]();
      },
    };
  },
};

describe.each(Object.entries(ways))("a client of the newest revision, %s", (_way, serve) => {
  async function withClient(
    recheckMs: number,
    use: (client: Client, guard: RecordingGuard, bodies: Bodies) => Promise<void>,
  ): Promise<void> {
    const [guard, bodies] = [recordingGuard(), new Bodies()];
    await using served = await serve(guard, bodies, { recheckMs });
    const client = new Client(
      { name: "test", version: "1" },
      { versionNegotiation: { mode: { pin: REVISION } } },
    );
    await client.connect(served.transport);
    expect(client.getNegotiatedProtocolVersion()).toBe(REVISION);
    await use(client, guard, bodies);
    await client.close();
  }

  const refusal = {
    isError: true,
    content: [{ type: "text", text: expect.stringContaining('"code":"DEVICE_REVOKED"') }],
  };

  test("calls a tool while it is allowed, and not afterwards", async () => {
    await withClient(60_000, async (client, guard, bodies) => {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(["search"]);
      const found = { content: [{ type: "text", text: "found" }] };
      expect(await client.callTool({ name: "search" })).toMatchObject(found);
      guard.deny();
      expect(await client.callTool({ name: "search" })).toMatchObject(refusal);
      guard.fail();
      expect(await client.callTool({ name: "search" })).toMatchObject({ isError: true });
      expect(bodies.entered).toEqual(["search"]);
      expect(guard.checks).toHaveLength(3);
    });
  });

  test("a call in flight is cancelled and answered", async () => {
    await withClient(5, async (client, guard, bodies) => {
      bodies.meanwhile = async () => guard.deny();
      expect(await client.callTool({ name: "search" })).toMatchObject(refusal);
      await bodies.until(({ cancelled }) => cancelled.length === 1);
    });
  });
});
