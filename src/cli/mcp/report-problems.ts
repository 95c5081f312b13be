import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { printError } from "../output.ts";
import { oneLine } from "../report-error.ts";

/** Longest message of an error, in characters: some repeat what a client sent. */
const MAX_LENGTH = 500;

/** Says on stderr what went wrong in a server, its clients' mistakes included. */
export function reportProblems(server: McpServer): McpServer {
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has a callback, no event target
  server.server.onerror = reportProblem;
  return server;
}

/** Says on stderr what went wrong. */
export function reportProblem(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  printError(`machineid: mcp: ${oneLine(message.slice(0, MAX_LENGTH))}`);
}
