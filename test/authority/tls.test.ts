import { once } from "node:events";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createAuthority, sqliteStore, TlsIdentityError } from "../../src/authority/index.ts";
import type { TlsIdentity } from "../../src/authority/index.ts";
import { temporaryDirectory } from "../cli/spawn.ts";
import type { TemporaryDirectory } from "../cli/spawn.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { makeCertificate } from "../support/certificate.ts";
import type { Certificate } from "../support/certificate.ts";

let directory: TemporaryDirectory;
let first: Certificate;
let second: Certificate;
beforeAll(() => {
  directory = temporaryDirectory();
  first = makeCertificate(directory.path, "first");
  second = makeCertificate(directory.path, "second");
});
afterAll(() => directory[Symbol.dispose]());

const started: TestAuthority[] = [];
async function start(tls: TlsIdentity, more: object = {}): Promise<TestAuthority> {
  const authority = await startTestAuthority({ tls, ...more });
  started.push(authority);
  return authority;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((authority) => authority.close()));
});

/** Asks over a connection of its own, which trusts this certificate alone. */
async function ask(
  { port, ownerKey }: TestAuthority,
  trusted: Certificate,
): Promise<Readonly<Record<string, unknown>>> {
  const body = '{"deviceId":"a"}';
  const asking = request({
    host: "127.0.0.1",
    port,
    path: "/api/v1/devices/validate",
    method: "POST",
    agent: false,
    ca: trusted.cert,
    headers: {
      "x-org-key": ownerKey,
      "content-type": "application/json",
      "content-length": body.length,
    },
  });
  asking.end(body);
  const [response] = (await once(asking, "response")) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}

async function openTls(port: number, trusted: Certificate): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca: trusted.cert });
  await once(socket, "secureConnect");
  return socket;
}

describe("https", () => {
  it("decides as http does, to those who trust its certificate", async () => {
    const authority = await start(first);
    expect(authority.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(authority, first)).toMatchObject({ code: "DEVICE_NOT_REGISTERED" });
    await expect(ask(authority, second)).rejects.toMatchObject({
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
  });

  it("answers nothing to plain http", async () => {
    const authority = await start(first);
    const socket = connectPlain(authority.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    await once(socket, "close");
    expect(text).not.toContain("HTTP/1.1 200");
  });

  it("serves with a new certificate from the next connection on, and keeps those it has", async () => {
    const authority = await start(first);
    const before = await openTls(authority.port, first);
    authority.authority.renewTls(second);
    expect(await ask(authority, second)).toMatchObject({ allowed: false });
    await expect(ask(authority, first)).rejects.toMatchObject({
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    before.write("GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    const [answer] = (await once(before, "data")) as [Buffer];
    expect(answer.toString()).toContain("HTTP/1.1 200");
  });

  it("keeps the certificate it has when the new one cannot be served with", async () => {
    let at = Date.now();
    const authority = await start(first, { now: () => at });
    const bad: [TlsIdentity, RegExp][] = [
      [{ cert: second.cert, key: first.key }, /key of this certificate/],
      [{ cert: "nonsense", key: second.key }, /certificate/],
      [{ cert: second.cert, key: "nonsense" }, /key/],
      [{ cert: "", key: "" }, /certificate/],
    ];
    const expectRefusal = async (identity: TlsIdentity, reason: RegExp): Promise<void> => {
      expect(() => authority.authority.renewTls(identity)).toThrow(TlsIdentityError);
      expect(() => authority.authority.renewTls(identity)).toThrow(reason);
      expect(await ask(authority, first)).toMatchObject({ allowed: false });
    };
    for (const [identity, reason] of bad) await expectRefusal(identity, reason);
    at = Date.parse("2101-01-01");
    await expectRefusal(second, /until/);
    at = Date.parse("2001-01-01");
    await expectRefusal(second, /before/);
  });

  it("is not begun with what cannot be served with, and an http authority has nothing to renew", async () => {
    const store = await sqliteStore(":memory:");
    const now = (): number => Date.parse("2101-01-01");
    expect(() => createAuthority({ store, tls: first, now })).toThrow(TlsIdentityError);
    expect(() => createAuthority({ store }).renewTls(first)).toThrow(/plain http/);
    await store.close();
  });

  it("closes at once though a connection never asked anything", async () => {
    const authority = await start(first, { closeTimeoutMs: 60_000 });
    const silent = await openTls(authority.port, first);
    const closed = once(silent, "close");
    silent.on("error", () => undefined);
    await authority.close();
    await closed;
    expect(silent.destroyed).toBe(true);
  });
});
