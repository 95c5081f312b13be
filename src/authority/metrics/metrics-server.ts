import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { RenderedMetrics } from "./render.ts";

/** A request for metrics is small, and comes at once. */
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 50;

/**
 * Serves `/metrics` and nothing else, to whoever reaches it: on a port of its
 * own, so that who reaches the API does not reach it.
 */
export function createMetricsServer(scrape: () => Promise<RenderedMetrics>): Server {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      request.resume();
      const [path] = (request.url ?? "").split("?", 1);
      if (path !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
        response.writeHead(path === "/metrics" ? 405 : 404).end();
        return;
      }
      scrape().then(
        ({ contentType, text }) =>
          response.writeHead(200, { "content-type": contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

/** Listens, or says why not. */
export async function listenOn(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
