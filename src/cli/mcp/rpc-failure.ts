import type { ServerResponse } from "node:http";
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";

/** The code that servers use for what the protocol has no code for. */
const SERVER_ERROR = -32_000;
const SESSION_NOT_FOUND = -32_001;

/** A request that is refused before it reaches a session, in the protocol's form. */
export class RpcFailure extends Error {
  override readonly name = "RpcFailure";
  readonly httpStatus: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    httpStatus: number,
    message: string,
    { code = SERVER_ERROR, headers = {} }: RpcFailureOptions = {},
  ) {
    super(message);
    this.httpStatus = httpStatus;
    this.code = code;
    this.headers = headers;
  }
}

interface RpcFailureOptions {
  readonly code?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a caller may know of an error. */
export function rpcFailureOf(error: unknown): RpcFailure {
  if (error instanceof RpcFailure) return error;
  const { statusCode } = error as { statusCode?: unknown };
  if (statusCode === 413) return new RpcFailure(413, "The body is too large");
  if (statusCode === 415) {
    return new RpcFailure(415, "The body must be JSON: Content-Type: application/json");
  }
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new RpcFailure(statusCode, "The body is not JSON", { code: ErrorCode.ParseError });
  }
  return new RpcFailure(500, "Something failed inside this server", {
    code: ErrorCode.InternalError,
  });
}

export const sessionNotFound = (): RpcFailure =>
  new RpcFailure(404, "Session not found. Begin one with initialize, without Mcp-Session-Id", {
    code: SESSION_NOT_FOUND,
  });

/** Answers with a failure. */
export function sendFailure(
  response: ServerResponse,
  { httpStatus, code, message, headers }: RpcFailure,
): void {
  response.writeHead(httpStatus, {
    ...headers,
    "content-type": "application/json",
    "cache-control": "no-store",
  });
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null }));
}
