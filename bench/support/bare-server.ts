import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { say, serveParent } from "./process.ts";

/*
 * What a decision over HTTP costs at the least: node:http, a JSON body, one
 * look-up in a Map, a request id, a JSON answer. It keeps nothing.
 */

const devices = new Map<string, { readonly allowed: boolean }>();
for (let device = 0; device < 64; device += 1) {
  devices.set(`worker:bench:http:${String(device).padStart(2, "0")}`, { allowed: true });
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { deviceId } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { deviceId: string };
    const device = devices.get(deviceId);
    const answer = JSON.stringify({
      allowed: device?.allowed === true,
      code: device === undefined ? "DEVICE_NOT_REGISTERED" : "ALLOW",
      request_id: randomUUID(),
      deviceId,
    });
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(answer),
    });
    response.end(answer);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  say({ port: (server.address() as AddressInfo).port });
});
await serveParent(() => ({}));
process.exit(0);
