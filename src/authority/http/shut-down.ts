import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

const SWEEP_MS = 20;

const connections = new WeakMap<FastifyInstance, Set<Socket>>();

/** Keeps account of a server's connections, so that it can be shut down. */
export function trackConnections(server: FastifyInstance): void {
  const open = new Set<Socket>();
  connections.set(server, open);
  server.server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
}

/**
 * Takes no more connections, finishes the requests that were accepted, and after
 * `timeoutMs` ends what is left.
 */
export async function shutDown(server: FastifyInstance, timeoutMs: number): Promise<void> {
  const deadline = setTimeout(() => server.server.closeAllConnections(), timeoutMs);
  // A connection whose last request was under way becomes idle later.
  const sweep = setInterval(() => server.server.closeIdleConnections(), SWEEP_MS);
  const closed = server.close();
  // Node counts a connection that never sent anything as busy.
  for (const socket of connections.get(server) ?? []) {
    if (socket.bytesRead === 0) socket.destroy();
  }
  try {
    await closed;
  } finally {
    clearTimeout(deadline);
    clearInterval(sweep);
  }
}
