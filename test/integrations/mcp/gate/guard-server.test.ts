import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { expect, test } from "vitest";
import { guardServer } from "../../../../integrations/mcp/index.ts";
import { recordingGuard } from "../../../../src/testing/index.ts";

function createServer(): McpServer {
  const server = new McpServer({ name: "fixture", version: "1" });
  server.registerTool("read", {}, () => ({ content: [] }));
  return server;
}

async function connect(server: McpServer): Promise<Client> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await Promise.all([server.connect(far), client.connect(near)]);
  return client;
}

test("guarding twice, by the server or what is inside it, asks once", async () => {
  const guard = recordingGuard();
  const server = createServer();
  expect(guardServer(guard, guardServer(guard, server))).toBe(server);
  expect(guardServer(guard, server.server)).toBe(server.server);
  const client = await connect(server);
  expect(guardServer(guard, server)).toBe(server);
  await client.callTool({ name: "read" });
  expect(guard.checks).toHaveLength(1);
});

test("two guards are both asked, and one denial is enough", async () => {
  const [first, second] = [recordingGuard(), recordingGuard()];
  const client = await connect(guardServer(second, guardServer(first, createServer())));
  await client.callTool({ name: "read" });
  expect([first.checks.length, second.checks.length]).toEqual([1, 1]);
  first.deny();
  expect(await client.callTool({ name: "read" })).toMatchObject({ isError: true });
  first.allow();
  second.deny();
  expect(await client.callTool({ name: "read" })).toMatchObject({ isError: true });
});

test("other options for a server that is guarded are refused", () => {
  const guard = recordingGuard();
  const server = guardServer(guard, createServer());
  expect(() => guardServer(guard, server, { resources: true })).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});

test.each([
  [{}, undefined],
  [null, undefined],
  [{ server: {} }, undefined],
  [createServer(), { recheckMs: 0 }],
  [createServer(), { recheckMs: Number.NaN }],
  [createServer(), { allow: "read" }],
  [createServer(), { deny: [5] }],
  [createServer(), { resources: "yes" }],
  [createServer(), { strict: "yes" }],
])("what cannot be is refused: %o %o", (server, options) => {
  expect(() => guardServer(recordingGuard(), server as never, options as never)).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID" }),
  );
});

test("a server that was closed and is connected again is gated still", async () => {
  const guard = recordingGuard();
  const server = guardServer(guard, createServer());
  const first = await connect(server);
  await first.callTool({ name: "read" });
  await server.close();
  const second = await connect(server);
  guard.deny();
  expect(await second.callTool({ name: "read" })).toMatchObject({ isError: true });
  expect(guard.checks).toHaveLength(2);
});

test("a handler that wraps the transport's is behind the gate, too", async () => {
  const guard = recordingGuard();
  const server = guardServer(guard, createServer());
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await server.connect(far);
  const seen: unknown[] = [];
  const { onmessage } = far;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a callback, no event target
  far.onmessage = (message, extra) => {
    if ("method" in message) seen.push(message.method);
    onmessage?.(message, extra);
  };
  await client.connect(near);
  await client.callTool({ name: "read" });
  guard.deny();
  await client.callTool({ name: "read" });
  expect(guard.checks).toHaveLength(2);
  expect(seen).toEqual(["initialize", "notifications/initialized", "tools/call"]);
});
