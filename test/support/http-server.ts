import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createServer as createTcpServer } from "node:net";

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** A real HTTP server on a free loopback port. */
export async function startHttpServer(handler: Handler): Promise<TestServer> {
  const server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return serverOn(server.address() as AddressInfo, async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
}

/** A real TCP server that does with a connection whatever the test says. */
export async function startTcpServer(onConnection: (socket: Socket) => void): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return serverOn(server.address() as AddressInfo, async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function serverOn({ port }: AddressInfo, close: () => Promise<void>): TestServer {
  return { url: `http://127.0.0.1:${port}`, port, [Symbol.asyncDispose]: close };
}
