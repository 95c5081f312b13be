import { once } from "node:events";
import pino from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority, sqliteStore } from "../../src/authority/index.ts";
import type { Store } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { openSocket, parseAnswer, rawValidate, readToEnd } from "./raw-http.ts";

describe("the server", () => {
  const started: TestAuthority[] = [];
  async function start(options?: Parameters<typeof startTestAuthority>[0]): Promise<TestAuthority> {
    const authority = await startTestAuthority(options);
    started.push(authority);
    return authority;
  }
  afterEach(async () => {
    await Promise.all(started.splice(0).map((authority) => authority.close()));
  });

  /** A store whose decisions wait until they are let go. */
  async function heldStore(): Promise<{ store: Store; asked: Promise<void>; release: () => void }> {
    const store = await sqliteStore(":memory:");
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const validate = store.validate.bind(store);
    store.validate = async (caller, deviceId) => {
      asked.resolve();
      await held.promise;
      return validate(caller, deviceId);
    };
    return { store, asked: asked.promise, release: held.resolve };
  }

  it("finishes what it accepted before it closes, and takes no more", async () => {
    const { store, asked, release } = await heldStore();
    const authority = await start({ store });
    const silent = await openSocket(authority.port);
    const silentClosed = once(silent, "close");
    const socket = await openSocket(authority.port);
    const read = readToEnd(socket);
    const request = rawValidate(authority.ownerKey, '{"deviceId":"a"}').toString();
    socket.write(request.replace("connection: close", "connection: keep-alive"));
    await asked;
    const closed = authority.close();
    await silentClosed;
    await expect(openSocket(authority.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    release();
    expect(parseAnswer(await read)).toMatchObject({
      status: 200,
      body: { code: "DEVICE_NOT_REGISTERED" },
    });
    await closed;
  });

  it("closes though an accepted request never ends", async () => {
    const { store, asked, release } = await heldStore();
    const authority = await start({ store, closeTimeoutMs: 50 });
    const socket = await openSocket(authority.port);
    const read = readToEnd(socket);
    socket.write(rawValidate(authority.ownerKey, '{"deviceId":"a"}'));
    await asked;
    await authority.close();
    expect(await read).toBe("");
    release();
  });

  it("closes once, whoever asks, and an authority that never listened too", async () => {
    const authority = await start();
    await Promise.all([authority.close(), authority.close()]);
    await expect(openSocket(authority.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const store = await sqliteStore(":memory:");
    await createAuthority({ store }).close();
    await expect(store.ready()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("keeps connections alive, and drops those over its bound", async () => {
    const authority = await start({ maxConnections: 2 });
    const sockets = [await openSocket(authority.port), await openSocket(authority.port)];
    const third = await openSocket(authority.port);
    await once(third, "close");
    for (const socket of sockets) {
      const keep = rawValidate(authority.ownerKey, '{"deviceId":"a"}')
        .toString()
        .replace("connection: close", "connection: keep-alive");
      for (let turn = 0; turn < 3; turn += 1) {
        socket.write(keep);
        const [chunk] = (await once(socket, "data")) as [Buffer];
        expect(chunk.toString()).toMatch(/^HTTP\/1\.1 200 /);
      }
      socket.destroy();
    }
  });

  it("refuses a port that is taken", async () => {
    const authority = await start();
    const second = createAuthority({ store: await sqliteStore(":memory:") });
    await expect(second.listen({ port: authority.port })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    await second.close();
  });

  it("answers on the address it names, IPv6 too", async () => {
    const authority = createAuthority({ store: await sqliteStore(":memory:") });
    const { url } = await authority.listen({ host: "::1" });
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await authority.close();
  });

  it("says how long an allow may be used, as it was told", async () => {
    const authority = await start({ validMs: 750 });
    const { body } = await call(authority, "POST", "/api/v1/devices/validate", { deviceId: "a" });
    expect(body["valid_ms"]).toBe(750);
  });

  it("logs request ids and codes, and never a key", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "debug" }, { write: (line: string) => lines.push(line) });
    const authority = await start({ logger });
    const ids: string[] = [];
    const ask = async (method: string, path: string, body?: unknown, ownerKey?: string) => {
      const answer = await call(
        { ...authority, ownerKey: ownerKey ?? authority.ownerKey },
        method,
        path,
        body,
      );
      ids.push(String(answer.body["request_id"]));
      return answer;
    };
    await ask("POST", "/api/v1/devices/register", { deviceId: "a" });
    await ask("POST", "/api/v1/devices/validate", { deviceId: "a" });
    await ask("POST", "/api/v1/devices/revoke", { deviceId: "a" });
    await ask("POST", "/api/v1/devices/validate", { deviceId: "a" });
    const stranger = "org_stranger-key-0123456789abcdef";
    await ask("POST", "/api/v1/devices/validate", { deviceId: "a" }, stranger);
    const { body } = await ask("POST", "/api/v1/org/create", {});
    await authority.store.close();
    await ask("POST", "/api/v1/devices/validate", { deviceId: "a" });
    const log = lines.join("");
    for (const key of [
      authority.ownerKey,
      authority.adminKey,
      stranger,
      String(body["orgApiKey"]),
    ]) {
      expect(log).not.toContain(key);
    }
    for (const place of [1, 3, 4, 5, 6]) expect(log).toContain(ids[place]);
    for (const code of ["ALLOW", "DEVICE_REVOKED", "ORG_KEY_INVALID", "STORE_UNAVAILABLE"]) {
      expect(log).toContain(`"code":"${code}"`);
    }
  });
});
