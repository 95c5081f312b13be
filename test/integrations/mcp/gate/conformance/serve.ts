import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { randomUUID } from "node:crypto";
import { readBody, startHttpServer } from "../../../../support/http-server.ts";

export interface ServedSessions extends AsyncDisposable {
  readonly url: URL;
  /** How many sessions there are. */
  readonly sessions: () => number;
}

/** Serves a server of its own to each session, as most servers over HTTP do. */
export async function serveSessions(
  createServer: () => McpServer,
  options: { readonly require?: readonly [header: string, value: string] } = {},
): Promise<ServedSessions> {
  const [header = "host", value] = options.require ?? [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const http = await startHttpServer(async (request, response) => {
    if (!/^(?:127\.0\.0\.1|localhost):/.test(request.headers.host ?? "")) {
      response.writeHead(403).end();
      return;
    }
    if (value !== undefined && request.headers[header] !== value) {
      response.writeHead(401).end();
      return;
    }
    const known = sessions.get(String(request.headers["mcp-session-id"]));
    if (known !== undefined || request.method !== "POST") {
      if (known === undefined) response.writeHead(400).end();
      else await known.handleRequest(request, response);
      return;
    }
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await createServer().connect(transport);
    await transport.handleRequest(request, response, JSON.parse(await readBody(request)));
  });
  return {
    url: new URL(`${http.url}/mcp`),
    sessions: () => sessions.size,
    async [Symbol.asyncDispose]() {
      await Promise.all([...sessions.values()].map((transport) => transport.close()));
      await http[Symbol.asyncDispose]();
    },
  };
}
