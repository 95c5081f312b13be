import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { createGuard, MachineID } from "../../src/index.ts";
import type { Guard, GuardListener } from "../../src/index.ts";
import { freePort } from "../support/free-port.ts";
import { startHttpServer } from "../support/http-server.ts";

const TOOL = { kind: "tool" } as const;

async function startLeaseServer(): Promise<
  AsyncDisposable & {
    url: string;
    sockets: WebSocket[];
    headers: unknown[];
    server: WebSocketServer;
  }
> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/base/api/v1/leases" });
  await once(server, "listening");
  const sockets: WebSocket[] = [];
  const headers: unknown[] = [];
  server.on("connection", (socket, request) => {
    sockets.push(socket);
    headers.push(request.headers["x-org-key"]);
    socket.on("message", (data: Buffer) => {
      const { type, n } = JSON.parse(data.toString()) as { type: string; n: number };
      if (type !== "renew") return;
      const decisions = { a: { allowed: true, code: "ALLOW", request_id: "r" } };
      socket.send(JSON.stringify({ type: "grant", n, ttl_ms: 10_000, version: 3, decisions }));
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/base`,
    sockets,
    headers,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const guardOf = (baseUrl: string, onEvent?: GuardListener): Guard =>
  createGuard(new MachineID({ orgKey: "org_test", baseUrl }), {
    deviceId: "a",
    enforcement: "lease",
    register: false,
    onEvent,
  });

test("a client opens the lease channel with its key in the header, and a stop ends a run over it", async () => {
  await using leases = await startLeaseServer();
  const guard = guardOf(leases.url);
  const run = guard.run();
  await expect(run.protect(TOOL, (_signal, { fence }) => fence)).resolves.toBe(3);
  expect(leases.headers).toEqual(["org_test"]);
  const aborted = once(run.signal, "abort");
  leases.sockets[0]?.send('{"type":"stop","version":4,"devices":["a"],"code":"DEVICE_REVOKED"}');
  await aborted;
  expect(run.stopped).toMatchObject({ code: "DEVICE_REVOKED" });
  await guard.close();
  await once(leases.sockets[0] as WebSocket, "close");
});

test("a channel that is cut is opened again, and the guard is degraded in between", async () => {
  await using leases = await startLeaseServer();
  const seen: string[] = [];
  const checks: Promise<unknown>[] = [];
  const guard = guardOf(leases.url, (event) => {
    if (event.type !== "status") return;
    seen.push(event.to);
    if (event.to === "degraded") checks.push(guard.check(TOOL));
  });
  await guard.check(TOOL);
  leases.sockets[0]?.terminate();
  await expect.poll(() => seen).toEqual(["armed", "degraded", "armed"]);
  await expect(Promise.all(checks)).resolves.toMatchObject([{ allowed: true }]);
  expect(leases.sockets).toHaveLength(2);
  await guard.close();
});

test("two clients with the same key share one channel", async () => {
  await using leases = await startLeaseServer();
  const guards = [guardOf(leases.url), guardOf(leases.url)];
  await Promise.all(guards.map((guard) => guard.check(TOOL)));
  expect(leases.sockets).toHaveLength(1);
  await Promise.all(guards.map((guard) => guard.close()));
});

test("a redirect is not followed with the key", async () => {
  await using leases = await startLeaseServer();
  await using server = await startHttpServer((_request, response) => {
    response.writeHead(302, { location: leases.url }).end();
  });
  const guard = guardOf(server.url);
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "AUTHORITY_UNREACHABLE" });
  expect(leases.headers).toEqual([]);
  await guard.close();
});

test("where nothing listens, a check is refused", async () => {
  const guard = guardOf(`http://127.0.0.1:${await freePort()}`);
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "AUTHORITY_UNREACHABLE" });
  await guard.close();
});
