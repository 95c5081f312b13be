import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../../support/authority.ts";
import type { Answer, TestAuthority, TestAuthorityOptions } from "../../support/authority.ts";
import { LeaseClient } from "../../support/lease-client.ts";
import { createOrg, createScopedKey } from "../../support/scoped-keys.ts";

describe("the lease channel", () => {
  let authority: TestAuthority;

  const start = async (options: TestAuthorityOptions = {}): Promise<void> => {
    authority = await startTestAuthority(options);
    for (const deviceId of ["a", "b"]) await post("devices/register", { deviceId });
  };
  const post = (path: string, body: unknown): Promise<Answer> =>
    call(authority, "POST", `/api/v1/${path}`, body);
  const open = (key: string | undefined = authority.ownerKey, options = {}): Promise<LeaseClient> =>
    LeaseClient.open(authority.url, key, options);
  const hold = (devices: readonly string[], key = authority.ownerKey): Promise<LeaseClient> =>
    LeaseClient.holding(authority.url, key, devices);

  /** What a handshake is answered with that does not become a channel. */
  async function refused(headers: Record<string, string>): Promise<[number, unknown]> {
    const request = httpRequest(`${authority.url}/api/v1/leases`, {
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        ...headers,
      },
    });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let text = "";
    for await (const chunk of response) text += String(chunk);
    const body = JSON.parse(text) as Record<string, unknown>;
    expect(body).toMatchObject({ status: "error", allowed: false });
    expect(response.headers["x-request-id"]).toBe(body["request_id"]);
    return [response.statusCode ?? 0, body["code"]];
  }

  beforeEach(() => start());
  afterEach(() => authority.close());

  it("is named by meta, with how long a lease is good", async () => {
    const { body } = await call(authority, "GET", "/api/v1/meta");
    expect(body["features"]).toContain("lease");
    expect(body["lease"]).toEqual({ ttl_ms: 10_000 });
  });

  it("grants on a renewal, and on nothing before it", async () => {
    await using client = await open();
    client.hello(["a", "b"]);
    client.send({ type: "watch", devices: ["c"] });
    const grant = await client.renew();
    expect(client.received).toEqual([grant]);
    expect(grant).toMatchObject({
      n: 1,
      ttl_ms: 10_000,
      decisions: {
        a: { allowed: true, code: "ALLOW" },
        b: { allowed: true },
        c: { allowed: false, code: "DEVICE_NOT_REGISTERED" },
      },
    });
  });

  it("401, 403: refuses before the upgrade, in the shape of every failure", async () => {
    const key = `org_${"x".repeat(43)}`;
    const { secret: operator } = await createScopedKey(authority, "operator");
    const { secret: viewer } = await createScopedKey(authority, "viewer");
    expect(await refused({ "x-org-key": key })).toEqual([401, "ORG_KEY_INVALID"]);
    expect(await refused({ "x-org-key": operator })).toEqual([403, "FORBIDDEN"]);
    expect(await refused({ "x-org-key": viewer })).toEqual([403, "FORBIDDEN"]);
    const ours = { "x-org-key": authority.ownerKey };
    expect(await refused({ ...ours, origin: "https://evil.example" })).toEqual([403, "FORBIDDEN"]);
    expect(await refused({ ...ours, "sec-websocket-version": "7" })).toEqual([
      400,
      "REQUEST_MALFORMED",
    ]);
  });

  it("429: one key has so many channels and no more", async () => {
    await authority.close();
    await start({ leases: { maxSessionsPerKey: 2 } });
    await using one = await open();
    await using two = await open();
    expect(two.closed).toBeUndefined();
    const ours = { "x-org-key": authority.ownerKey };
    expect(await refused(ours)).toEqual([429, "TOO_MANY_REQUESTS"]);
    one.socket.close();
    await one.close();
    await using again = await open();
    again.hello(["a"]);
    await again.renew();
  });

  it("429: whoever tries wrong keys too often is not even looked up", async () => {
    await authority.close();
    await start({ limits: { failuresPerAddress: { perSecond: 0.001, burst: 2 } } });
    const wrong = { "x-org-key": `org_${"x".repeat(43)}` };
    expect(await refused(wrong)).toEqual([401, "ORG_KEY_INVALID"]);
    expect(await refused(wrong)).toEqual([401, "ORG_KEY_INVALID"]);
    expect(await refused(wrong)).toEqual([429, "TOO_MANY_REQUESTS"]);
  });

  it("takes the key of a page in its hello, and grants nothing before", async () => {
    await authority.close();
    await start({ corsOrigins: ["https://app.example"], leases: { helloTimeoutMs: 60_000 } });
    const headers = { origin: "https://app.example" };
    await using page = await LeaseClient.open(authority.url, undefined, { headers });
    page.hello(["a"], authority.ownerKey);
    expect((await page.renew()).decisions).toMatchObject({ a: { allowed: true } });
    await using early = await LeaseClient.open(authority.url, undefined, { headers });
    early.send({ type: "renew", n: 1 });
    expect((await early.close())[0]).toBe(4400);
    expect(early.received).toEqual([]);
    await using wrong = await LeaseClient.open(authority.url, undefined, { headers });
    wrong.hello(["a"], `org_${"x".repeat(43)}`);
    expect(await wrong.close()).toEqual([4401, "ORG_KEY_INVALID"]);
  });

  it("takes the key in the hello of any client that sets no header, and asks for one", async () => {
    await using client = await LeaseClient.open(authority.url, undefined);
    client.hello(["a"], authority.ownerKey);
    expect((await client.renew()).decisions).toMatchObject({ a: { allowed: true } });
    await using keyless = await LeaseClient.open(authority.url, undefined);
    keyless.hello(["a"]);
    expect(await keyless.close()).toEqual([4401, "ORG_KEY_MISSING"]);
  });

  it("an agent's key holds leases of the devices that match it, and of no other", async () => {
    await post("devices/register", { deviceId: "worker:1" });
    const { secret } = await createScopedKey(authority, "agent", { devicePattern: "worker:*" });
    await using client = await hold(["worker:1", "a"], secret);
    const [grant] = client.received;
    expect(grant).toMatchObject({
      decisions: {
        "worker:1": { allowed: true },
        a: { allowed: false, code: "FORBIDDEN" },
      },
    });
    const { decisions } = await client.check(["a"]);
    expect(decisions).toMatchObject({ a: { allowed: false, code: "FORBIDDEN" } });
  });

  it("a key of another org sees devices of its own alone", async () => {
    const other = await createOrg(authority);
    await using client = await hold(["a"], other.ownerKey);
    expect(client.received).toMatchObject([
      { decisions: { a: { allowed: false, code: "DEVICE_NOT_REGISTERED" } } },
    ]);
    await post("devices/revoke", { deviceId: "a", wait: "fenced" });
    await client.renew();
    expect(client.received.map(({ type }) => type)).toEqual(["grant", "grant"]);
  });

  it.each([
    ["no JSON", "{"],
    ["what is no message", '{"type":"nonsense"}'],
    ["a second hello", undefined],
    ["a number that was used", '{"type":"renew","n":1}'],
  ])("closes the connection of whoever sends %s", async (_what, text) => {
    await using client = await hold(["a"]);
    if (text === undefined) client.hello(["a"]);
    else client.socket.send(text);
    expect((await client.close())[0]).toBe(4400);
  });

  it("closes the connection of whoever never says hello", async () => {
    await authority.close();
    await start({ leases: { helloTimeoutMs: 20 } });
    await using client = await open();
    expect((await client.close())[0]).toBe(4408);
  });

  it("closes the connection of whoever sends too much at once, or names too many devices", async () => {
    await using large = await hold(["a"]);
    large.socket.send("x".repeat(1024 * 1024 + 1));
    expect((await large.close())[0]).toBe(1009);
    await authority.close();
    await start({ leases: { maxDevicesPerSession: 2 } });
    await using many = await open();
    many.hello(["a", "b", "c"]);
    expect((await many.close())[0]).toBe(4400);
    await using checks = await hold(["a", "b"]);
    checks.send({ type: "check", n: 2, devices: ["d"] });
    expect((await checks.close())[0]).toBe(4400);
  });

  it("cuts off a peer that does not read, and buffers no more for it", async () => {
    await authority.close();
    await start({ leases: { maxBufferedBytes: 100_000 } });
    await using client = await hold(["a"]);
    client.socket.pause();
    const names = Array.from({ length: 900 }, (_, index) => `${index}`.padStart(200, "x"));
    client.send({ type: "watch", devices: names });
    const metrics = async (): Promise<string> => {
      const response = await fetch(`${authority.url}/metrics`, {
        headers: { "x-admin-key": authority.adminKey },
      });
      return response.text();
    };
    for (let turn = 0; turn < 2_000; turn += 1) {
      client.n += 1;
      client.send({ type: "renew", n: client.n });
      if (turn % 20 === 0 && /lease_channels_cut_off_total 1/.test(await metrics())) break;
    }
    expect(await metrics()).toMatch(/lease_channels_cut_off_total 1/);
  });

  it("grants nothing for what was asked before a device was let go", async () => {
    await using client = await hold(["a"]);
    client.send({ type: "renew", n: 2 });
    client.send({ type: "unwatch", n: 3, devices: ["a"] });
    client.send({ type: "watch", devices: ["a"] });
    client.n = 3;
    const later = await client.renew();
    const late = client.received.find((answer) => answer.type === "grant" && answer.n === 2);
    expect(late).not.toHaveProperty(["decisions", "a"]);
    expect(later.decisions).toMatchObject({ a: { allowed: true } });
  });

  it("a new connection of a session takes the place of the one before", async () => {
    await using before = await hold(["a"]);
    await using after = await open(authority.ownerKey, { session: before.session });
    after.hello(["a"]);
    await before.close();
    after.n = before.n;
    expect((await after.renew()).decisions).toMatchObject({ a: { allowed: true } });
  });

  it("answers whatever else asks to be upgraded as if it had not", async () => {
    const response = await fetch(`${authority.url}/healthz`);
    expect(response.status).toBe(200);
    const request = httpRequest(`${authority.url}/healthz`, {
      headers: { connection: "Upgrade", upgrade: "h2c" },
    });
    request.end();
    const [upgraded] = (await once(request, "response")) as [IncomingMessage];
    upgraded.resume();
    expect(upgraded.statusCode).toBe(200);
  });

  it("ends with the authority, which does not wait for it", async () => {
    await using client = await hold(["a"]);
    await authority.close();
    expect((await client.close())[0]).toBe(1001);
  });
});
