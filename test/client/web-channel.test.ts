import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { openWebChannel } from "../../src/client/web-channel.ts";
import { createGuard, MachineID } from "../../src/index.ts";
import type { Guard, GuardEvent, GuardOptions } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import { startHttpServer } from "../support/http-server.ts";
import { codeOf, TOOL } from "../guard/lease/scene.ts";

/** The runtime's own WebSocket, as a page, Deno and an edge runtime have it: it sends no header of ours. */
beforeEach(() => {
  vi.stubGlobal("Deno", {});
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const guardOf = (orgKey: string, baseUrl: string, more: Partial<GuardOptions> = {}): Guard =>
  createGuard(new MachineID({ orgKey, baseUrl }), {
    deviceId: "a",
    enforcement: "lease",
    ...more,
  });

test("the key goes in the hello, and in nothing that is sent before it", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connected = once(server, "connection");
  const guard = guardOf("org_secret", `http://127.0.0.1:${port}/base`, { register: false });
  const check = guard.check(TOOL);
  const [socket, request] = (await connected) as [WebSocket, IncomingMessage];
  expect(request.url).toBe("/base/api/v1/leases");
  expect(JSON.stringify(request.rawHeaders)).not.toContain("org_secret");
  const messages: unknown[] = [];
  const { promise: renewed, resolve } = Promise.withResolvers<number>();
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as { type: string; n: number };
    messages.push(message);
    if (message.type === "renew") resolve(message.n);
  });
  const n = await renewed;
  expect(messages).toMatchObject([
    { type: "hello", devices: ["a"], key: "org_secret" },
    { type: "renew", n },
  ]);
  expect(messages[1]).not.toHaveProperty("key");
  const decisions = { a: { allowed: true, code: "ALLOW", request_id: "r" } };
  socket.send(JSON.stringify({ type: "grant", n, ttl_ms: 10_000, version: 3, decisions }));
  await expect(check).resolves.toMatchObject({ allowed: true });
  await guard.close();
  server.close();
});

test("a guard is leased by an authority and aborted by its stop, without a header", async () => {
  await using authority = await startTestAuthority();
  const events: GuardEvent[] = [];
  const guard = guardOf(authority.ownerKey, authority.url, { onEvent: (e) => events.push(e) });
  const began = Promise.withResolvers<void>();
  const work = guard.protect(TOOL, async (signal) => {
    began.resolve();
    await once(signal, "abort");
    signal.throwIfAborted();
  });
  const ended = codeOf(work);
  await began.promise;
  expect(guard.status).toBe("armed");
  const operator = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
  const answer = await operator.revoke("a", { wait: "drained", waitTimeoutMs: 10_000 });
  expect(answer).toMatchObject({ stop: { state: "drained" } });
  expect(await ended).toBe("DEVICE_REVOKED");
  await guard.close();
});

test("with a key that is none, nothing begins", async () => {
  await using authority = await startTestAuthority();
  const guard = guardOf(`org_${"x".repeat(43)}`, authority.url, { register: false });
  expect(await codeOf(guard.protect(TOOL, () => "ran"))).not.toBe("allowed");
  await guard.close();
});

test("a channel tells of its end once, and nothing after it", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const told: string[] = [];
  const target = { origin: `http://127.0.0.1:${port}`, path: "/", key: "k", headers: {} };
  const opened = Promise.withResolvers<(text: string) => void>();
  const channel = openWebChannel(target, {
    opened: opened.resolve,
    received: (text) => told.push(text),
    closed: () => told.push("closed"),
  });
  const [far] = (await once(server, "connection")) as [WebSocket];
  const send = await opened.promise;
  far.send("first");
  await expect.poll(() => told).toEqual(["first"]);
  channel.close();
  channel.close();
  expect(told).toEqual(["first", "closed"]);
  const over = once(far as unknown as NodeJS.EventEmitter, "close");
  send('{"type":"renew","n":1}');
  far.send("late");
  await over;
  expect(told).toEqual(["first", "closed"]);
  server.close();
});

test("a message that is too long ends the channel", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const told: unknown[] = [];
  const target = { origin: `http://127.0.0.1:${port}`, path: "/", key: "k", headers: {} };
  const closed = new Promise((resolve) => {
    openWebChannel(target, {
      opened: () => undefined,
      received: (text) => told.push(text),
      closed: resolve,
    });
  });
  const [far] = (await once(server, "connection")) as [WebSocket];
  far.send("x".repeat(1024 * 1024 + 1));
  expect(String(await closed)).toContain("too long");
  expect(told).toEqual([]);
  server.close();
});

/** A proxy that carries requests and refuses to upgrade any. */
async function startStubbornProxy(target: string): Promise<AsyncDisposable & { url: string }> {
  return startHttpServer((request, response) => {
    const { method, headers, url = "" } = request;
    // What it is asked to become it does not know, as a proxy of HTTP/1.0 would not.
    const { upgrade: _upgrade, connection: _connection, ...rest } = headers;
    const onward = httpRequest(target + url, { method, headers: rest }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
}

test.each(["Deno", "nothing"])(
  "behind a proxy that refuses upgrades auto is strict, and lease denies (without %s)",
  async (runtime) => {
    if (runtime === "nothing") vi.unstubAllGlobals();
    await using authority = await startTestAuthority();
    await using proxy = await startStubbornProxy(authority.url);
    const guard = guardOf(authority.ownerKey, proxy.url, { enforcement: "auto" });
    await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
    expect(guard.status).toBe("armed");
    const operator = new MachineID({ orgKey: authority.ownerKey, baseUrl: authority.url });
    await operator.revoke("a");
    expect(await codeOf(guard.protect(TOOL, () => "ran"))).toBe("DEVICE_REVOKED");
    expect(guard.status).toBe("stopped");
    await operator.unrevoke("a");
    await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
    const leased = guardOf(authority.ownerKey, proxy.url, { deviceId: "b" });
    expect(await codeOf(leased.protect(TOOL, () => "ran"))).toBe("LEASE_EXPIRED");
    await Promise.all([guard.close(), leased.close()]);
  },
);
