import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import fastify from "fastify";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { readCaller } from "./caller.ts";
import type { HostCheck } from "./hosts.ts";
import { MAX_MESSAGE_LENGTH } from "./open-requests.ts";
import { RpcFailure, rpcFailureOf, sendFailure } from "./rpc-failure.ts";
import type { Session } from "./session.ts";
import type { SessionTable } from "./session-table.ts";

/** Where the server answers. */
export const MCP_PATH = "/mcp";

const SESSION_HEADER = "mcp-session-id";
const METHODS = ["GET", "POST", "DELETE"] as const;
/** A request that has not arrived whole by then is given up, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 1024;

/**
 * Builds the HTTP server. What is refused here is refused in the protocol's form,
 * and before the body is read where that can be.
 *
 * @param onFailure told of what failed inside the server
 */
export function createHttpServer(
  sessions: SessionTable,
  checkHost: HostCheck,
  onFailure: (error: unknown) => void,
): FastifyInstance {
  const app = fastify({
    bodyLimit: MAX_MESSAGE_LENGTH,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { ignoreTrailingSlash: true },
  });
  app.server.maxConnections = MAX_CONNECTIONS;

  app.addHook("onRequest", async ({ headers }) => {
    checkHost(headers);
  });
  app.setNotFoundHandler((request) => {
    if (request.url.split("?", 1)[0] !== MCP_PATH) {
      throw new RpcFailure(404, `There is nothing here. The server answers at ${MCP_PATH}`);
    }
    throw new RpcFailure(405, "Method not allowed", { headers: { allow: METHODS.join(", ") } });
  });
  app.setErrorHandler((error, _request, reply) => {
    const failure = rpcFailureOf(error);
    if (failure.httpStatus === 500) onFailure(error);
    reply.hijack();
    sendFailure(reply.raw, failure);
  });

  app.route({
    method: [...METHODS],
    url: MCP_PATH,
    onRequest: async ({ headers }) => {
      readCaller(headers);
    },
    handler: async (request, reply) => {
      const session = await sessionOf(request, sessions);
      reply.hijack();
      try {
        await session.handle(request.raw, reply.raw, request.body);
      } catch (error) {
        onFailure(error);
        reply.raw.destroy();
      } finally {
        // What came was no initialize after all.
        if (!session.isInitialized) await session.end();
      }
    },
  });
  return app;
}

/** The session that a request belongs to; a new one for `initialize`. */
async function sessionOf(request: FastifyRequest, sessions: SessionTable): Promise<Session> {
  const { headers, method, body } = request;
  const caller = readCaller(headers);
  const id = headers[SESSION_HEADER];
  if (id !== undefined) return sessions.find(String(id), caller);
  if (method === "POST" && isInitializeRequest(body)) return sessions.open(caller);
  throw new RpcFailure(400, "Mcp-Session-Id is missing. A session begins with initialize");
}
