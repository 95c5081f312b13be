import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { ackAfter } from "../../src/authority/leases/fan-out.ts";
import { ChangeFrames } from "../../src/authority/leases/frames.ts";
import { nameOf } from "./authority-calls.ts";
import { say, serveParent } from "./process.ts";

/*
 * What it costs at the least to reach many: one loop that writes the same bytes to
 * every connection, and nothing else. It grants whatever it is asked for. Asked by
 * its parent it sends a stop, and answers when all have acknowledged it.
 */

const sockets = new Set<Duplex>();
let acknowledged = 0;
let whenAll: (() => void) | undefined;

const server = createServer();
const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on("upgrade", (request, socket, head) => {
  upgrades.handleUpgrade(request, socket, head, (channel) => {
    sockets.add(socket);
    channel.on("message", (data: Buffer) => {
      const { type } = JSON.parse(data.toString("utf8")) as { type: string };
      if (type === "renew") channel.send('{"type":"grant","decisions":{"":{"code":"ALLOW"}}}');
      if (type !== "ack") return;
      acknowledged += 1;
      if (acknowledged === sockets.size) whenAll?.();
    });
  });
});
server.listen(0, "127.0.0.1", () => say({ port: (server.address() as AddressInfo).port }));

await serveParent(async () => {
  const all = Promise.withResolvers<void>();
  acknowledged = 0;
  whenAll = all.resolve;
  const ackAfterMs = ackAfter(sockets.size);
  const requestId = randomUUID();
  const stop = ChangeFrames.ofStop({
    version: 10_001,
    code: "DEVICE_REVOKED",
    requestId,
    ackAfterMs,
  });
  const frame = stop.for([nameOf(0)]);
  for (const socket of sockets) socket.write(frame);
  await all.promise;
  return {};
});
process.exit(0);
