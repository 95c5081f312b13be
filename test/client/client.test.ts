import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { MachineID, RequestError } from "../../src/index.ts";
import type { MachineIDOptions } from "../../src/index.ts";
import { createDispatcherTransport } from "../../src/client/dispatcher-transport.ts";
import { AnswerBody } from "../../src/client/transport.ts";
import { freePort } from "../support/free-port.ts";
import { readBody, startHttpServer, startTcpServer } from "../support/http-server.ts";

const KEY = "org_0123456789abcdef";

const transports: Record<string, Partial<MachineIDOptions>> = {
  "the runtime's dispatcher": {},
  "global fetch": { fetch: (url, init) => globalThis.fetch(url, init) },
};

async function rejection(work: Promise<unknown>): Promise<RequestError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!RequestError.isInstance(error)) throw new Error(`not a RequestError: ${inspect(error)}`);
  return error;
}

test("on Node the default transport is the dispatcher", () => {
  expect(createDispatcherTransport((maxBytes) => new AnswerBody(maxBytes))).toBeDefined();
});

describe.each(Object.entries(transports))("over %s", (_name, transport) => {
  const clientOf = (baseUrl: string, more: Partial<MachineIDOptions> = {}): MachineID =>
    new MachineID({ orgKey: KEY, baseUrl, ...transport, ...more });

  test("each operation sends its method, path, key and body, and returns the JSON as it came", async () => {
    const seen: unknown[] = [];
    await using server = await startHttpServer(async (request, response) => {
      const { method, url, headers } = request;
      const body = await readBody(request);
      seen.push({ method, url, key: headers["x-org-key"], type: headers["content-type"], body });
      response.setHeader("content-type", "application/json").end(JSON.stringify({ extra: [1] }));
    });
    const client = clientOf(`${server.url}/`);
    const device = '{"deviceId":"agent-01"}';
    const devices = '{"deviceIds":["a","b"]}';
    const calls: [Promise<unknown>, string, string, string][] = [
      [client.register(" agent-01 "), "POST", "/api/v1/devices/register", device],
      [client.validate("agent-01"), "POST", "/api/v1/devices/validate", device],
      [client.listDevices(), "GET", "/api/v1/devices/list", ""],
      [client.revoke("agent-01"), "POST", "/api/v1/devices/revoke", device],
      [client.unrevoke("agent-01"), "POST", "/api/v1/devices/unrevoke", device],
      [client.restore("agent-01"), "POST", "/api/v1/devices/unrevoke", device],
      [client.remove("agent-01"), "POST", "/api/v1/devices/remove", device],
      [client.revokeBatch(["a", " b"]), "POST", "/api/v1/devices/revoke_batch", devices],
      [client.unrevokeBatch(["a", "b"]), "POST", "/api/v1/devices/unrevoke_batch", devices],
      [client.usage(), "GET", "/api/v1/usage", ""],
      [client.meta(), "GET", "/api/v1/meta", ""],
      [client.audit.read(), "GET", "/api/v1/audit", ""],
      [
        client.audit.read({ deviceId: "a&b", since: new Date(0), limit: 7, order: "desc" }),
        "GET",
        "/api/v1/audit?limit=7&order=desc&deviceId=a%26b&since=1970-01-01T00%3A00%3A00.000Z",
        "",
      ],
      [client.audit.chains(), "GET", "/api/v1/audit/chains", ""],
      [client.jwks(), "GET", "/.well-known/jwks.json", ""],
    ];
    for (const [call] of calls) expect(await call).toEqual({ extra: [1] });
    // Restores look first whether the authority takes a version.
    const isMeta = (request: unknown): boolean =>
      (request as { url?: string }).url === "/api/v1/meta";
    expect(seen.filter((request) => !isMeta(request))).toHaveLength(calls.length - 1);
    for (const [, method, url, body] of calls) {
      const type = method === "POST" ? "application/json" : undefined;
      expect(seen).toContainEqual({ method, url, key: KEY, type, body });
    }
  });

  test.each([200, 400, 401, 403, 404, 429, 500, 503])(
    "a JSON answer with status %i is returned, not thrown",
    async (status) => {
      await using server = await startHttpServer((_request, response) => {
        response.writeHead(status).end('{"allowed":false,"code":"X"}');
      });
      await expect(clientOf(server.url).validate("a")).resolves.toEqual({
        allowed: false,
        code: "X",
      });
    },
  );

  test("an answer that is not JSON throws with its place and at most 200 characters of it", async () => {
    const text = `<html>${"x".repeat(500)}`;
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(502, { "x-request-id": "req-1" }).end(text);
    });
    const error = await rejection(clientOf(server.url).validate("a"));
    expect(error).toMatchObject({
      code: "AUTHORITY_MALFORMED",
      status: 502,
      method: "POST",
      path: "/api/v1/devices/validate",
      requestId: "req-1",
    });
    expect(error.message).toContain(text.slice(0, 200));
    expect(error.message).not.toContain(text.slice(0, 201));
  });

  test("a redirect is not followed, so the key goes nowhere else", async () => {
    const elsewhere: unknown[] = [];
    await using other = await startHttpServer((request, response) => {
      elsewhere.push(request.headers);
      response.end('{"allowed":true}');
    });
    await using server = await startHttpServer((_request, response) => {
      response.writeHead(307, { location: other.url }).end();
    });
    const error = await rejection(clientOf(server.url).validate("a"));
    expect(error.code).toBe("AUTHORITY_MALFORMED");
    expect(error.message).toContain("redirect");
    expect(elsewhere).toEqual([]);
  });

  test("an answer over 1 MiB is refused, announced or not", async () => {
    await using server = await startHttpServer((request, response) => {
      const body = JSON.stringify({ padding: "x".repeat(1024 * 1024) });
      if (request.url?.includes("usage") === true) response.end(body);
      else {
        response.write(body.slice(0, 10));
        response.end(body.slice(10));
      }
    });
    const client = clientOf(server.url);
    for (const call of [() => client.usage(), () => client.listDevices()]) {
      expect(await rejection(call())).toMatchObject({
        code: "AUTHORITY_MALFORMED",
        message: expect.stringContaining("1048576 bytes"),
      });
    }
  });

  test("an answer of exactly 1 MiB is read", async () => {
    const frame = JSON.stringify({ padding: "" }).length;
    const body = JSON.stringify({ padding: "x".repeat(1024 * 1024 - frame) });
    await using server = await startHttpServer((_request, response) => response.end(body));
    await expect(clientOf(server.url).usage()).resolves.toHaveProperty("padding");
  });

  test("an answer that is cut short is not an answer", async () => {
    await using server = await startTcpServer((socket) => {
      socket.once("data", () => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"allowed":true}');
      });
    });
    const error = await rejection(clientOf(server.url).validate("a"));
    expect(error.code).toBe("AUTHORITY_UNREACHABLE");
  });

  test("a connection that is refused says where to look", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const error = await rejection(clientOf(url).usage());
    expect(error).toMatchObject({ code: "AUTHORITY_UNREACHABLE", status: undefined });
    expect(error.message).toMatch(
      /GET \/api\/v1\/usage: http:.* could not be reached: .*ECONNREFUSED/,
    );
  });

  test("the deadline covers an answer that begins and never ends", async () => {
    await using server = await startHttpServer((_request, response) => {
      response.write('{"allowed"');
    });
    const error = await rejection(clientOf(server.url, { timeoutMs: 60 }).validate("a"));
    expect(error).toMatchObject({ code: "AUTHORITY_TIMEOUT" });
    expect(error.message).toContain("timeoutMs, 60 ms");
  });

  test("a call has a deadline of its own when it asks for one", async () => {
    await using server = await startHttpServer(() => undefined);
    const error = await rejection(clientOf(server.url).validate("a", { timeoutMs: 30 }));
    expect(error.message).toContain("30 ms");
  });

  test("an aborted signal rejects with its own reason, before and during a call", async () => {
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await using server = await startHttpServer(() => arrived());
    const controller = new AbortController();
    const call = clientOf(server.url).validate("a", { signal: controller.signal });
    await arrival;
    controller.abort("enough");
    await expect(call).rejects.toBe("enough");
    const late = clientOf(server.url).validate("a", { signal: controller.signal });
    await expect(late).rejects.toBe("enough");
  });

  test("the key is in no error, whatever the other side echoes", async () => {
    await using echo = await startHttpServer((request, response) => {
      response.end(`you sent ${String(request.headers["x-org-key"])}, ${"y".repeat(170)}${KEY}`);
    });
    for (const url of [echo.url, `http://127.0.0.1:${await freePort()}`]) {
      const shown = inspect(await rejection(clientOf(url).usage()), {
        depth: 20,
        showHidden: true,
      });
      expect(shown).not.toContain(KEY);
      expect(shown).not.toContain(KEY.slice(0, 8));
    }
  });
});

test.each([
  ["in a cause", () => new Error("outer", { cause: new Error(`bad header ${KEY}`) })],
  [
    "in a request that hangs on it",
    () => Object.assign(new Error("boom"), { config: { headers: { "x-org-key": KEY } } }),
  ],
  ["in an object that is no error", () => ({ headers: new Headers({ "x-org-key": KEY }) })],
  ["as text", () => `bad header ${KEY}`],
])("a fetch whose error has the key %s does not pass it on", async (_name, thrown) => {
  const client = new MachineID({ orgKey: KEY, fetch: () => Promise.reject(thrown()) });
  expect(inspect(await rejection(client.usage()), { depth: 20 })).not.toContain(KEY);
});

test("a key that comes back as a request id is not repeated", async () => {
  await using server = await startHttpServer((_request, response) => {
    response.setHeader("x-request-id", KEY).end("no JSON");
  });
  const client = new MachineID({ orgKey: KEY, baseUrl: server.url });
  expect(inspect(await rejection(client.usage()))).not.toContain(KEY);
});

test("the client shows its address and nothing of its key", () => {
  const client = new MachineID({ orgKey: KEY, baseUrl: "http://localhost:1/base//" });
  const shown = [
    inspect(client, { depth: 20, showHidden: true }),
    JSON.stringify(client),
    JSON.stringify(Object.entries(client)),
  ].join("\n");
  expect(shown).not.toContain(KEY);
  expect(client.baseUrl).toBe("http://localhost:1/base");
});
