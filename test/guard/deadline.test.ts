import { expect, test } from "vitest";
import { createGuard, MachineID } from "../../src/index.ts";
import type { Clock, GuardClient } from "../../src/index.ts";
import { startHttpServer } from "../support/http-server.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";

const TOOL = { kind: "tool" } as const;

/** A clock that stands still until a test moves it. */
function manualClock(): Clock & { monotonic: number; wall: number } {
  const clock = {
    monotonic: 0,
    wall: 1_000_000,
    monotonicMs: () => clock.monotonic,
    wallMs: () => clock.wall,
  };
  return clock;
}

const answering = (body: unknown, onRequest: () => void = () => undefined): GuardClient => ({
  request: async () => {
    onRequest();
    return { status: 200, body, requestId: undefined, retryAfterMs: undefined };
  },
});

test("one deadline covers registration, retries and the answer", async () => {
  await using authority = await startScriptedAuthority("hang");
  const guard = createGuard(authority.client(), { deviceId: "a", checkTimeoutMs: 50 });
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "AUTHORITY_TIMEOUT" });
  expect(authority.validations).toBe(0);
});

test("a request is given up when nobody waits for it any more", async () => {
  let closed: () => void = () => undefined;
  const connectionClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  await using server = await startHttpServer((request) => {
    request.socket.once("close", closed);
  });
  const client = new MachineID({ orgKey: "org_test", baseUrl: server.url });
  const guard = createGuard(client, { deviceId: "a", register: false, checkTimeoutMs: 500 });
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "AUTHORITY_TIMEOUT" });
  await connectionClosed;
});

test("an allow that arrives after the deadline denies, even when no timer has fired", async () => {
  const clock = manualClock();
  const client = answering({ allowed: true }, () => (clock.monotonic += 2001));
  const guard = createGuard(client, { deviceId: "a", register: false, clock });
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "AUTHORITY_TIMEOUT" });
});

test("a machine that slept through its deadline finds its allow too late", async () => {
  const clock = manualClock();
  const client = answering({ allowed: true }, () => (clock.wall += 3_600_000));
  const guard = createGuard(client, { deviceId: "a", register: false, clock });
  await expect(guard.protect(TOOL, () => "ran")).rejects.toMatchObject({
    code: "AUTHORITY_TIMEOUT",
  });
});

test.each([
  ["used in time", 0, 1979, 1979, "ran"],
  ["used too late", 0, 1981, 1981, "LEASE_EXPIRED"],
  ["used after a sleep that only the wall clock saw", 0, 0, 1990, "LEASE_EXPIRED"],
  ["used after the wall clock went back", 0, 10, -5000, "LEASE_EXPIRED"],
])("an allow with valid_ms, %s", async (_name, _start, monotonic, wall, expected) => {
  const clock = manualClock();
  const client = answering({ allowed: true, valid_ms: 2000 }, () => {
    clock.monotonic += monotonic;
    clock.wall += wall;
  });
  const guard = createGuard(client, { deviceId: "a", register: false, clock });
  const outcome = await guard
    .protect(TOOL, () => "ran")
    .catch((error: unknown) => Reflect.get(error as object, "code"));
  expect(outcome).toBe(expected);
});

test("the age of an allow is counted from the sending of the request that brought it", async () => {
  const clock = manualClock();
  let requests = 0;
  const client: GuardClient = {
    request: async () => {
      requests += 1;
      clock.monotonic += 900;
      clock.wall += 900;
      const status = requests === 1 ? 503 : 200;
      const body = status === 200 ? { allowed: true, valid_ms: 1000 } : { status: "error" };
      return { status, body, requestId: undefined, retryAfterMs: undefined };
    },
  };
  const guard = createGuard(client, { deviceId: "a", register: false, clock });
  await expect(guard.protect(TOOL, () => "ran")).resolves.toBe("ran");
  expect(requests).toBe(2);
});

test("Retry-After is obeyed, and one that ends after the deadline is not waited for", async () => {
  let requests = 0;
  await using server = await startHttpServer((_request, response) => {
    requests += 1;
    // Names are as long as its own, or are written otherwise.
    response.writeHead(429, { "x-elsewhere": "0", "Retry-After": "60" });
    response.end('{"status":"error","code":"TOO_MANY_REQUESTS","allowed":false}');
  });
  const client = new MachineID({ orgKey: "org_test", baseUrl: server.url });
  const guard = createGuard(client, { deviceId: "a", register: false });
  await expect(guard.check(TOOL)).rejects.toMatchObject({
    code: "RATE_LIMITED",
    serverCode: "TOO_MANY_REQUESTS",
  });
  expect(requests).toBe(1);
});

test("a connection that was reset is tried again", async () => {
  let requests = 0;
  await using server = await startHttpServer((request, response) => {
    requests += 1;
    if (requests < 3) request.socket.resetAndDestroy();
    else response.end('{"allowed":true}');
  });
  const client = new MachineID({ orgKey: "org_test", baseUrl: server.url });
  const guard = createGuard(client, { deviceId: "a", register: false });
  await expect(guard.check(TOOL)).resolves.toMatchObject({ allowed: true });
  expect(requests).toBe(3);
});

test("a denial is never asked about again", async () => {
  await using authority = await startScriptedAuthority("revoked");
  const guard = createGuard(authority.client(), { deviceId: "a", register: false });
  await expect(guard.check(TOOL)).rejects.toMatchObject({ code: "DEVICE_REVOKED" });
  expect(authority.validations).toBe(1);
});

test("the body is handed the decision's version as its fencing token", async () => {
  const client = answering({ allowed: true, version: 41, request_id: "r-1" });
  const guard = createGuard(client, { deviceId: "a", register: false });
  await expect(guard.protect(TOOL, (_signal, { fence }) => fence)).resolves.toBe(41);
  await expect(guard.check(TOOL)).resolves.toEqual({
    allowed: true,
    code: "ALLOW",
    requestId: "r-1",
    version: 41,
  });
});
