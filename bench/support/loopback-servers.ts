import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

/**
 * A TCP echo server and a bare HTTP authority that always allows, as a process
 * of their own. Prints their ports as one line of JSON.
 */
const ANSWER = JSON.stringify({
  status: "ok",
  allowed: true,
  code: "ALLOW",
  request_id: "fbf77ff5-06ed-42eb-8e07-024c32ef1e68",
});

const echo = createTcpServer((socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => socket.write(chunk));
});

const http = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": ANSWER.length,
    });
    response.end(ANSWER);
  });
});

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });

process.stdout.write(`${JSON.stringify({ echo: await listen(echo), http: await listen(http) })}\n`);
process.stdin.on("end", () => process.exit()).resume();
