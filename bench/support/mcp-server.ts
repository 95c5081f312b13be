import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { say } from "./process.ts";

/* An MCP server with one tool that does nothing: over stdio, or with `http` over Streamable HTTP. */

const server = new McpServer({ name: "bench", version: "1.0.0" });
server.registerTool("nothing", {}, () => ({ content: [{ type: "text", text: "done" }] }));

if (process.argv[2] === "http") {
  const sessionIdGenerator = (): string => randomUUID();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator });
  await server.connect(transport);
  const http = createServer((request, response) => {
    void transport.handleRequest(request, response);
  });
  http.listen(0, "127.0.0.1", () => say({ port: (http.address() as AddressInfo).port }));
  process.stdin.on("end", () => process.exit()).resume();
} else {
  await server.connect(new StdioServerTransport());
}
