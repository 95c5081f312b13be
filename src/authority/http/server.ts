import { randomUUID } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import type { ServerOptions } from "node:http";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { MAX_REQUEST_BYTES } from "../../wire/index.ts";
import { ROUTE_FACTORIES } from "../routes/index.ts";
import type { Services } from "../services.ts";
import { clientErrorHandler } from "./client-error.ts";
import { errorHandler, notFoundHandler } from "./errors.ts";
import { fastLane } from "./fast-lane.ts";
import { parseJson } from "./parse.ts";
import { trackConnections } from "./shut-down.ts";

/** Bounds of the HTTP server. */
export interface ServerLimits {
  /** Connections beyond these are dropped. */
  readonly maxConnections: number;
  /** A request that has not arrived whole by then is answered 408, in milliseconds. */
  readonly requestTimeoutMs: number;
}

const KEEP_ALIVE_MS = 60_000;

/** Builds the HTTP server: routes, and the one shape of every failure. */
export function createServer(services: Services, limits: ServerLimits): FastifyInstance {
  const onError = errorHandler(services);
  const httpOptions: ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: limits.requestTimeoutMs,
    headersTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, Math.ceil(limits.requestTimeoutMs / 2)),
    // Node would answer a missing Host itself, in a shape of its own.
    requireHostHeader: false,
  };
  const server = fastify({
    serverFactory: (router) => {
      const http = createHttpServer(httpOptions);
      return http.on("request", fastLane(services, http, router));
    },
    bodyLimit: MAX_REQUEST_BYTES,
    genReqId: () => randomUUID(),
    // A request that came in while closing is finished; its connection then closes.
    return503OnClosing: false,
    clientErrorHandler: clientErrorHandler(services.logger),
    frameworkErrors: onError,
  });
  trackConnections(server);
  server.server.maxConnections = limits.maxConnections;
  // Node would answer an unknown Expect itself.
  server.server.on("checkExpectation", (request, response) =>
    server.server.emit("request", request, response),
  );

  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  server.setErrorHandler(onError);

  const methodsByPath = new Map<string, string>();
  for (const createRoute of ROUTE_FACTORIES) {
    const { method, path, handle } = createRoute(services);
    server.route({ method, url: path, handler: handle });
    methodsByPath.set(path, method === "GET" ? "GET, HEAD, OPTIONS" : `${method}, OPTIONS`);
  }
  server.setNotFoundHandler(notFoundHandler(methodsByPath));
  return server;
}
