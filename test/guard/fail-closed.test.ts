import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AuthorityUnavailableError,
  createGuard,
  ExecutionDeniedError,
  ExecutionStoppedError,
  MachineID,
} from "../../src/index.ts";
import type { GuardClient } from "../../src/index.ts";
import { startHttpServer, startTcpServer } from "../support/http-server.ts";
import { startScriptedAuthority } from "../support/scripted-authority.ts";
import type { Mode } from "../support/scripted-authority.ts";

const TOOL = { kind: "tool", name: "search" } as const;

async function attempt(
  client: GuardClient,
  checkTimeoutMs = 5000,
): Promise<{ entered: number; error: unknown }> {
  const guard = createGuard(client, { deviceId: "a", register: false, checkTimeoutMs });
  let entered = 0;
  const error = await guard
    .protect(TOOL, () => {
      entered += 1;
    })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return { entered, error };
}

const clientOf = (baseUrl: string): MachineID => new MachineID({ orgKey: "org_test", baseUrl });

const modes: [Mode, abstract new (...args: never) => Error, string][] = [
  ["revoked", ExecutionDeniedError, "DEVICE_REVOKED"],
  ["hang", AuthorityUnavailableError, "AUTHORITY_TIMEOUT"],
  ["nonsense", AuthorityUnavailableError, "AUTHORITY_MALFORMED"],
  ["error", AuthorityUnavailableError, "AUTHORITY_ERROR"],
  ["down", AuthorityUnavailableError, "AUTHORITY_UNREACHABLE"],
];

test.each(modes)("under an authority that is %s nothing begins", async (mode, type, code) => {
  await using authority = await startScriptedAuthority(mode);
  const { entered, error } = await attempt(authority.client(), mode === "hang" ? 100 : 5000);
  expect(entered).toBe(0);
  expect(error).toBeInstanceOf(type);
  expect(error).toMatchObject({ code, boundary: TOOL, deviceId: "a" });
});

test("with an allow the body runs, and what it returns or throws is the caller's", async () => {
  await using authority = await startScriptedAuthority();
  const guard = createGuard(authority.client(), { deviceId: "a" });
  await expect(guard.protect(TOOL, () => 7)).resolves.toBe(7);
  const failure = new Error("its own");
  await expect(guard.protect(TOOL, () => Promise.reject(failure))).rejects.toBe(failure);
});

const anyStatus = fc
  .integer({ min: 200, max: 599 })
  .filter((status) => status !== 204 && status !== 304);

const decisionLike = fc.record(
  {
    allowed: fc.oneof(fc.boolean(), fc.constantFrom("true", 1, {}, [], null)),
    code: fc.oneof(fc.string(), fc.constant(null)),
    status: fc.oneof(fc.constantFrom("ok", "blocked", "error"), fc.jsonValue()),
    request_id: fc.jsonValue(),
    valid_ms: fc.oneof(fc.integer({ min: -1, max: 3000 }), fc.jsonValue()),
    version: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

const isAllow = (status: number, body: unknown): boolean =>
  status < 300 &&
  typeof body === "object" &&
  body !== null &&
  Reflect.get(body, "allowed") === true;

describe("for arbitrary answers", () => {
  test("only a 2xx JSON answer whose allowed is true lets work begin", async () => {
    let answer: { status: number; text: string } = { status: 200, text: "" };
    await using server = await startHttpServer((request, response) => {
      request.resume();
      response.writeHead(answer.status).end(answer.text);
    });
    const body = fc.oneof(decisionLike, fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(anyStatus, body, fc.boolean(), async (status, json, cut) => {
        const text = JSON.stringify(json);
        answer = { status, text: cut ? text.slice(0, -1) : text };
        const { entered, error } = await attempt(clientOf(server.url));
        const parsed = cut ? parse(answer.text) : json;
        if (!isAllow(status, parsed)) expect(entered).toBe(0);
        if (entered === 0) expect(ExecutionStoppedError.isInstance(error)).toBe(true);
        else expect(error).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("no bytes on the wire but a whole allow let work begin", async () => {
    const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{"allowed":true}';
    let bytes = Buffer.alloc(0);
    let reset = false;
    await using server = await startTcpServer((socket) => {
      socket.once("data", () => {
        socket.write(bytes, () => (reset ? socket.resetAndDestroy() : socket.end()));
      });
    });
    const raw = fc.oneof(
      fc.integer({ min: 0, max: whole.length - 1 }).map((end) => Buffer.from(whole.slice(0, end))),
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    );
    await fc.assert(
      fc.asyncProperty(raw, fc.boolean(), async (data, isReset) => {
        bytes = data;
        reset = isReset;
        const { entered, error } = await attempt(clientOf(server.url));
        expect(entered).toBe(0);
        expect(AuthorityUnavailableError.isInstance(error)).toBe(true);
      }),
      { numRuns: 40 },
    );
    bytes = Buffer.from(whole);
    reset = false;
    expect(await attempt(clientOf(server.url))).toEqual({ entered: 1, error: undefined });
  });

  test("a client that throws anything at all denies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (thrown) => {
        const { entered, error } = await attempt({ request: () => Promise.reject(thrown) });
        expect(entered).toBe(0);
        expect(error).toMatchObject({ code: "AUTHORITY_UNREACHABLE" });
      }),
      { numRuns: 20 },
    );
  });
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
