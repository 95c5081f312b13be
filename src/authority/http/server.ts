import { randomUUID } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import type { Server, ServerOptions } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import fastify from "fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MAX_REQUEST_BYTES, ROUTES } from "../../wire/index.ts";
import { ROUTE_FACTORIES } from "../routes/index.ts";
import type { Services } from "../services.ts";
import { isLeaseRequest } from "../leases/lease-door.ts";
import type { LeaseDoor } from "../leases/lease-door.ts";
import { clientErrorHandler } from "./client-error.ts";
import { allowOrigins } from "./cors.ts";
import { errorHandler, notFoundHandler } from "./errors.ts";
import { fastLane } from "./fast-lane.ts";
import { parseJson } from "./parse.ts";
import { trackConnections } from "./shut-down.ts";
import type { TlsIdentity } from "./tls.ts";

/** Bounds of the HTTP server. */
export interface ServerLimits {
  /** Connections beyond these are dropped. */
  readonly maxConnections: number;
  /** A request that has not arrived whole by then is answered 408, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** Who can reach the HTTP server, and how. */
export interface ServerReach {
  /** Serve https with this; http without it. */
  readonly tls: TlsIdentity | undefined;
  /** Origins whose pages may call. */
  readonly corsOrigins: readonly string[];
  /** Where lease channels are opened, if they are. */
  readonly leaseDoor: LeaseDoor | undefined;
}

const KEEP_ALIVE_MS = 60_000;

/** Builds the HTTP server: routes, and the one shape of every failure. */
export function createServer(
  services: Services,
  limits: ServerLimits,
  { tls, corsOrigins, leaseDoor }: ServerReach,
): FastifyInstance {
  const onError = errorHandler(services);
  const httpOptions: ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: limits.requestTimeoutMs,
    headersTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, Math.ceil(limits.requestTimeoutMs / 2)),
    // Node would answer a missing Host itself, in a shape of its own.
    requireHostHeader: false,
    // Anything else that asks to be upgraded is answered as it is.
    shouldUpgradeCallback: (request) => leaseDoor !== undefined && isLeaseRequest(request),
  };
  const server = fastify({
    serverFactory: (router) => {
      const http: Server =
        tls === undefined
          ? createHttpServer(httpOptions)
          : createHttpsServer({
              ...httpOptions,
              ...tls,
              handshakeTimeout: limits.requestTimeoutMs,
            });
      return http.on("request", fastLane(services, http, router));
    },
    bodyLimit: MAX_REQUEST_BYTES,
    genReqId: () => randomUUID(),
    // A request that came in while closing is finished; its connection then closes.
    return503OnClosing: false,
    clientErrorHandler: clientErrorHandler(services),
    frameworkErrors: onError,
  });
  trackConnections(server);
  leaseDoor?.attach(server.server);
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
  server.addHook("onResponse", countAnswer(services));
  if (corsOrigins.length > 0) allowOrigins(server, corsOrigins);

  const methodsByPath = new Map<string, string>();
  /** Of paths whose last part is a parameter. */
  const methodsBelow = new Map<string, string>();
  for (const createRoute of ROUTE_FACTORIES) {
    const { method, path, handle } = createRoute(services);
    const methods = method === "GET" ? "GET, HEAD, OPTIONS" : `${method}, OPTIONS`;
    const [, fixed, parameter] = /^(.*\/)\{(\w+)\}$/.exec(path) ?? [];
    server.route({
      method,
      url: fixed === undefined ? path : `${fixed}:${parameter}`,
      handler: handle,
    });
    methodsByPath.set(path, methods);
    if (fixed !== undefined) methodsBelow.set(fixed, methods);
  }
  const methodsOf = (path: string): string | undefined =>
    methodsByPath.get(path) ?? methodsBelow.get(path.slice(0, path.lastIndexOf("/") + 1));
  server.setNotFoundHandler(notFoundHandler(services, methodsOf));
  return server;
}

/** Counts what the router answered, and logs what it changed. */
function countAnswer({ metrics, logger }: Services) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const { id, method } = request;
    const { statusCode: status, elapsedTime } = reply;
    const route = request.routeOptions.url ?? "unmatched";
    // A stream is not answered: it ends.
    if (route !== ROUTES.events.path) metrics.answered(method, route, status, elapsedTime / 1000);
    if (method === "POST" && route !== ROUTES.validate.path) {
      const ms = Math.round(elapsedTime);
      logger.info({ request_id: id, route, status, ms }, "answered");
    }
    done();
  };
}
