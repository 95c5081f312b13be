import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { createAuthority, sqliteStore } from "../../src/authority/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { openSocket } from "./raw-http.ts";

const started: TestAuthority[] = [];
async function start(drainMs: number): Promise<TestAuthority> {
  const authority = await startTestAuthority({ drainMs });
  started.push(authority);
  return authority;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((authority) => authority.close()));
});

it("says that it is not ready before it stops deciding", async () => {
  const authority = await start(300);
  expect((await call(authority, "GET", "/readyz")).status).toBe(200);
  const closed = authority.close();
  const ready = await call(authority, "GET", "/readyz");
  expect([ready.status, ready.body["code"]]).toEqual([503, "SHUTTING_DOWN"]);
  expect((await call(authority, "GET", "/healthz")).status).toBe(200);
  const decided = await call(authority, "POST", "/api/v1/devices/validate", { deviceId: "a" });
  expect(decided).toMatchObject({ status: 200, body: { code: "DEVICE_NOT_REGISTERED" } });
  // New connections are taken, too: not everyone has noticed yet.
  const socket = await openSocket(authority.port);
  const ended = once(socket, "close");
  await closed;
  await ended;
  await expect(openSocket(authority.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

it("waits for nothing when it never listened", async () => {
  const store = await sqliteStore(":memory:");
  const authority = createAuthority({ store, drainMs: 600_000 });
  await authority.close();
  await expect(store.ready()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
});
