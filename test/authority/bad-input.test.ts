import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { failureIn } from "./answers.ts";
import { openSocket, parseAnswer, rawValidate, readToEnd, sendRaw } from "./raw-http.ts";

describe("bad input", () => {
  let authority: TestAuthority;
  beforeAll(async () => {
    authority = await startTestAuthority();
    await call(authority, "POST", "/api/v1/devices/register", { deviceId: "healthy" });
  });

  afterAll(async () => {
    await authority.close();
  });

  const send = (body: string | Buffer, ...headers: string[]) =>
    sendRaw(authority.port, rawValidate(authority.ownerKey, body, ...headers));
  const sendType = (type: string, body: string) =>
    sendRaw(
      authority.port,
      rawValidate(authority.ownerKey, body).toString().replace("application/json", type),
    );

  it.each([
    ["nothing", ""],
    ["a word", "validate"],
    ["half an object", '{"deviceId":"a"'],
    ["two objects", '{"deviceId":"a"}{"deviceId":"a"}'],
    ["a byte order mark", '\uFEFF{"deviceId":"a"}'],
    ["null", "null"],
    ["a number", "7"],
    ["a string", '"a"'],
    ["an array", '["a"]'],
    ["10,000 nested arrays", "[".repeat(10_000) + "]".repeat(10_000)],
  ])("400: a body of %s", async (_name, body) => {
    expect(failureIn(await send(body))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it.each([
    ["missing", "{}"],
    ["null", '{"deviceId":null}'],
    ["a number", '{"deviceId":7}'],
    ["an array", '{"deviceId":["a"]}'],
    ["an object", '{"deviceId":{"toString":"a"}}'],
    ["empty", '{"deviceId":""}'],
    ["blank", '{"deviceId":"  \\t "}'],
    ["too long", JSON.stringify({ deviceId: "x".repeat(257) })],
    ["a lone high surrogate", '{"deviceId":"a\\ud800b"}'],
    ["a lone low surrogate", '{"deviceId":"\\udc00"}'],
    ["with a NUL", '{"deviceId":"a\\u0000b"}'],
    ["with an escape", '{"deviceId":"a\\u001b[2Jb"}'],
    ["with a line break", '{"deviceId":"a\\nb"}'],
    ["with a C1 control", '{"deviceId":"a\\u0085b"}'],
    ["under 10,000 nested objects", '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000)],
    ["hidden in __proto__", '{"__proto__":{"deviceId":"healthy"}}'],
    ["hidden in constructor", '{"constructor":{"prototype":{"deviceId":"healthy"}}}'],
  ])("400: a device id that is %s", async (_name, body) => {
    expect(failureIn(await send(body))).toEqual([400, "DEVICE_ID_INVALID"]);
    for (const operation of ["register", "revoke", "unrevoke", "remove"]) {
      const request = rawValidate(authority.ownerKey, body).toString();
      const refused = await sendRaw(authority.port, request.replace("validate", operation));
      expect(failureIn(refused)).toEqual([400, "DEVICE_ID_INVALID"]);
    }
  });

  it("400: bytes that are no UTF-8, rather than another device id", async () => {
    const body = Buffer.from('{"deviceId":"a\xffb"}', "latin1");
    expect(failureIn(await send(body))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("200: the longest device id, and one with every kind of character", async () => {
    for (const deviceId of ["x".repeat(256), '日本語 🛑 é "quoted" \\ /']) {
      const decided = await send(JSON.stringify({ deviceId, other: { __proto__: null } }));
      expect(decided.status).toBe(200);
      expect(decided.body).toMatchObject({ code: "DEVICE_NOT_REGISTERED", deviceId });
    }
  });

  it.each([
    ["no ids", { deviceIds: [] }, "REQUEST_MALFORMED"],
    ["no list", { deviceIds: "a" }, "REQUEST_MALFORMED"],
    ["too many ids", { deviceIds: Array.from({ length: 1001 }, () => "a") }, "REQUEST_MALFORMED"],
    ["one bad id", { deviceIds: ["healthy", ""] }, "DEVICE_ID_INVALID"],
  ])("400: a batch of %s, none of it done", async (_name, body, code) => {
    const refused = await call(authority, "POST", "/api/v1/devices/revoke_batch", body);
    expect(failureIn(refused)).toEqual([400, code]);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense"])(
    "415: a body of type %s",
    async (type) => {
      expect(failureIn(await sendType(type, '{"deviceId":"a"}'))).toEqual([
        415,
        "UNSUPPORTED_MEDIA_TYPE",
      ]);
    },
  );

  it.each(["application/json; charset=utf-8", "APPLICATION/JSON"])(
    "200: a body of type %s",
    async (type) => {
      const decided = await sendType(type, '{"deviceId":"healthy"}');
      expect(decided.body).toMatchObject({ allowed: true });
    },
  );

  it("415: a body of no type", async () => {
    const request = rawValidate(authority.ownerKey, "{}").toString();
    const untyped = request.replace("content-type: application/json\r\n", "");
    expect(failureIn(await sendRaw(authority.port, untyped))).toEqual([
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ]);
  });

  it("413: a body over 64 KiB, of known length and in chunks; 64 KiB is taken", async () => {
    const fill = (length: number) => {
      const empty = JSON.stringify({ deviceId: "healthy", fill: "" });
      return JSON.stringify({ deviceId: "healthy", fill: "x".repeat(length - empty.length) });
    };
    expect((await send(fill(65_536))).body).toMatchObject({ allowed: true });
    expect(failureIn(await send(fill(65_537)))).toEqual([413, "BODY_TOO_LARGE"]);

    const chunked = rawValidate(authority.ownerKey, "")
      .toString()
      .replace("content-length: 0", "transfer-encoding: chunked");
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const small = await sendRaw(
      authority.port,
      chunked,
      chunk('{"deviceId":'),
      chunk('"healthy"}'),
      "0\r\n\r\n",
    );
    expect(small.body).toMatchObject({ allowed: true });
    const large = await sendRaw(
      authority.port,
      chunked,
      chunk("x".repeat(40_000)),
      chunk("x".repeat(40_000)),
    );
    expect(failureIn(large)).toEqual([413, "BODY_TOO_LARGE"]);
  });

  it("400: a body shorter than it said", async () => {
    const socket = await openSocket(authority.port);
    const read = readToEnd(socket);
    const request = rawValidate(authority.ownerKey, '{"deviceId":"healthy"}');
    socket.end(request.subarray(0, -5));
    expect(failureIn(parseAnswer(await read))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("431: headers that are too large", async () => {
    const refused = await send("{}", `x-fill: ${"x".repeat(20_000)}`);
    expect(failureIn(refused)).toEqual([431, "HEADERS_TOO_LARGE"]);
  });

  it.each([
    ["no HTTP", "hello\r\n\r\n"],
    ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["a bad version", "GET / HTTP/9.9\r\n\r\n"],
    ["a header without a colon", "GET /healthz HTTP/1.1\r\nhost\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a negative length", "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"],
    [
      "a chunk without a size",
      "POST /api/v1/devices/validate HTTP/1.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
  ])("400: %s", async (_name, request) => {
    expect(failureIn(await sendRaw(authority.port, request))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("400: a path that cannot be decoded", async () => {
    const request = "GET /api/%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    expect(failureIn(await sendRaw(authority.port, request))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("404: a path that is not there, whatever is in it", async () => {
    const paths = [
      "/",
      "/api/v1",
      "/api/v1/devices/validate/",
      "/API/v1/meta",
      "/__proto__",
      "/x?y=%00",
      "//",
    ];
    for (const path of [...paths, `/${"x".repeat(5_000)}`, "/%00", "/..%2f..%2fetc/passwd"]) {
      const request = `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`;
      expect(failureIn(await sendRaw(authority.port, request))).toEqual([404, "ROUTE_NOT_FOUND"]);
    }
  });

  it("401: a key in the URL is none", async () => {
    const path = `/api/v1/usage?x-org-key=${authority.ownerKey}`;
    const refused = await call({ ...authority, ownerKey: "" }, "GET", path);
    expect(failureIn(refused)).toEqual([401, "ORG_KEY_MISSING"]);
  });

  it("401: a key that was sent twice", async () => {
    const refused = await send('{"deviceId":"healthy"}', `x-org-key: ${authority.ownerKey}`);
    expect(failureIn(refused)).toEqual([401, "ORG_KEY_INVALID"]);
  });

  it("200: a GET with a body, a request without Host, and one with a strange Expect", async () => {
    const key = `x-org-key: ${authority.ownerKey}\r\nconnection: close\r\n`;
    const withBody = `GET /api/v1/usage HTTP/1.1\r\nhost: a\r\n${key}content-length: 4\r\n\r\nbody`;
    expect((await sendRaw(authority.port, withBody)).status).toBe(200);
    expect((await sendRaw(authority.port, `GET /api/v1/usage HTTP/1.1\r\n${key}\r\n`)).status).toBe(
      200,
    );
    const expecting = `GET /api/v1/usage HTTP/1.1\r\nhost: a\r\nexpect: the worst\r\n${key}\r\n`;
    expect((await sendRaw(authority.port, expecting)).status).toBe(200);
  });

  it("408: headers and bodies that do not come", async () => {
    await using hasty = await startTestAuthority({ requestTimeoutMs: 400 });
    const request = rawValidate(hasty.ownerKey, '{"deviceId":"healthy"}');
    for (const part of [request.subarray(0, 40), request.subarray(0, -5)]) {
      expect(failureIn(await sendRaw(hasty.port, part))).toEqual([408, "REQUEST_TIMEOUT"]);
    }
  });

  it("survives clients that go away in the middle", async () => {
    const request = rawValidate(authority.ownerKey, '{"deviceId":"healthy"}');
    for (const length of [1, 60, request.length - 3, request.length]) {
      const socket = await openSocket(authority.port);
      socket.write(request.subarray(0, length));
      socket.resetAndDestroy();
      await once(socket, "close");
    }
    expect((await send('{"deviceId":"healthy"}')).body).toMatchObject({ allowed: true });
  });

  it("answers requests that come in one go, in their order", async () => {
    const one = rawValidate(authority.ownerKey, '{"deviceId":"healthy"}').toString();
    const keep = one.replace("connection: close", "connection: keep-alive");
    const other = one.replace('"healthy"', '"strangr"');
    const socket = await openSocket(authority.port);
    const read = readToEnd(socket);
    socket.write(keep + other);
    const codes = [...(await read).matchAll(/"code":"(\w+)"/g)].map(([, code]) => code);
    expect(codes).toEqual(["ALLOW", "DEVICE_NOT_REGISTERED"]);
  });

  it("shows no sign of what it is made of", async () => {
    const { headers } = await send('{"deviceId":"healthy"}');
    expect(headers.get("x-powered-by")).toBeNull();
    expect(headers.get("server")).toBeNull();
  });

  it("leaves the authority, after all of this, as healthy as before", async () => {
    const allowed = await call(authority, "POST", "/api/v1/devices/validate", {
      deviceId: "healthy",
    });
    expect([allowed.status, allowed.body["allowed"]]).toEqual([200, true]);
    const list = await call(authority, "GET", "/api/v1/devices/list");
    expect(list.body["devices"]).toMatchObject([{ deviceId: "healthy", revoked: false }]);
    expect((await call(authority, "GET", "/readyz")).status).toBe(200);
  });
});
