import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import { createGateway, guardServer } from "../../../../integrations/mcp/index.ts";
import type { AnyTransport, GateOptions } from "../../../../integrations/mcp/index.ts";
import { createHttpTransport } from "../../../../src/cli/gate/http-transport.ts";
import { LineTransport } from "../../../../src/cli/gate/line-transport.ts";
import { serveHttp } from "../../../../src/cli/gate/serve-http.ts";
import type { Guard } from "../../../../src/index.ts";
import { startHttpServer } from "../../../support/http-server.ts";

/** A gate around a server, and the client's side of it. */
export interface Gated extends AsyncDisposable {
  readonly client: AnyTransport;
}

export type PutBehind = (guard: Guard, server: McpServer, options: GateOptions) => Promise<Gated>;

/** Messages as lines of JSON, in memory: a client's side and a server's. */
export function linePair(): {
  readonly client: LineTransport;
  readonly streams: [PassThrough, PassThrough];
} {
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  const client = new LineTransport({ input: toClient, output: toServer, answersErrors: false });
  return { client, streams: [toServer, toClient] };
}

/** Serves one server over HTTP, to one session. */
export async function serveOverHttp(server: McpServer): Promise<AsyncDisposable & { url: URL }> {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await server.connect(transport);
  const http = await startHttpServer((request, response) =>
    transport.handleRequest(request, response),
  );
  return {
    url: new URL(`${http.url}/mcp`),
    async [Symbol.asyncDispose]() {
      await transport.close();
      await http[Symbol.asyncDispose]();
    },
  };
}

const serverGate: PutBehind = async (guard, server, options) => {
  const [client, transport] = InMemoryTransport.createLinkedPair();
  await guardServer(guard, server, options).connect(transport);
  return { client, [Symbol.asyncDispose]: () => server.close() };
};

/** The server was connected before it was guarded. */
const lateServerGate: PutBehind = async (guard, server, options) => {
  const [client, transport] = InMemoryTransport.createLinkedPair();
  await server.connect(transport);
  guardServer(guard, server, options);
  return { client, [Symbol.asyncDispose]: () => server.close() };
};

const serverGateOverHttp: PutBehind = async (guard, server, options) => {
  const served = await serveOverHttp(guardServer(guard, server, options));
  const client = new StreamableHTTPClientTransport(served.url);
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await served[Symbol.asyncDispose]();
    },
  };
};

const stdioGateway: PutBehind = async (guard, server, options) => {
  const upstream = linePair();
  await server.connect(new StdioServerTransport(...upstream.streams));
  const gateway = createGateway(guard, () => upstream.client, options);
  const downstream = linePair();
  const [input, output] = downstream.streams;
  await gateway.connect(new LineTransport({ input, output, answersErrors: true }));
  return {
    client: downstream.client,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await server.close();
    },
  };
};

const httpGateway: PutBehind = async (guard, server, options) => {
  const served = await serveOverHttp(server);
  const upstream = { url: served.url, headers: {} };
  const gateway = createGateway(guard, () => createHttpTransport(upstream), options);
  const front = await serveHttp(gateway, { host: "127.0.0.1", port: 0 });
  const client = new StreamableHTTPClientTransport(front.url);
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await front[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
    },
  };
};

/** What a server can be put behind, and the SDK versions of servers that it is tried with. */
export const gates: Readonly<
  Record<string, { versions: readonly (1 | 2)[]; putBehind: PutBehind }>
> = {
  guardServer: { versions: [1, 2], putBehind: serverGate },
  "guardServer, connected before": { versions: [1, 2], putBehind: lateServerGate },
  "guardServer over HTTP": { versions: [1, 2], putBehind: serverGateOverHttp },
  "gateway over stdio": { versions: [1, 2], putBehind: stdioGateway },
  "gateway over HTTP": { versions: [1, 2], putBehind: httpGateway },
};
