import { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

const SWEEP_MS = 20;

interface Connections {
  readonly open: Set<Socket>;
  /** Encrypted connections that never asked anything. */
  readonly silent: Set<Socket>;
}

const connections = new WeakMap<FastifyInstance, Connections>();

/** Keeps account of a server's connections, so that it can be shut down. */
export function trackConnections(server: FastifyInstance): void {
  const open = new Set<Socket>();
  const silent = new Set<Socket>();
  connections.set(server, { open, silent });
  const keep = (sockets: Set<Socket>, socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  server.server.on("connection", (socket) => keep(open, socket));
  if (server.server instanceof HttpsServer) {
    // What an encrypted connection has read so far may be no more than its handshake.
    server.server.on("secureConnection", (socket) => keep(silent, socket));
    server.server.on("request", ({ socket }) => silent.delete(socket));
  }
}

/** Connections of a server that are open. */
export function countConnections(server: FastifyInstance): number {
  return connections.get(server)?.open.size ?? 0;
}

/**
 * Takes no more connections, finishes the requests that were accepted, and after
 * `timeoutMs` ends what is left.
 */
export async function shutDown(server: FastifyInstance, timeoutMs: number): Promise<void> {
  const deadline = setTimeout(() => server.server.closeAllConnections(), timeoutMs);
  const { open = [], silent = [] } = connections.get(server) ?? {};
  const sweep = setInterval(() => {
    // A connection whose last request was under way becomes idle later.
    server.server.closeIdleConnections();
    for (const socket of silent) socket.destroy();
  }, SWEEP_MS);
  const closed = server.close();
  // Node counts a connection that never sent anything as busy.
  for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  try {
    await closed;
  } finally {
    clearTimeout(deadline);
    clearInterval(sweep);
  }
}
