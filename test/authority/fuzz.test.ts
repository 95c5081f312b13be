import { Agent, request as httpRequest } from "node:http";
import fc from "fast-check";
import pino from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROUTES } from "../../src/wire/index.ts";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { createScopedKey } from "../support/scoped-keys.ts";
import { openSocket, readToEnd } from "./raw-http.ts";

/** Requests in all; {@link AT_ONCE} of them travel together. */
const REQUESTS = 12_000;
const AT_ONCE = 24;

let authority: TestAuthority;
let keys: readonly string[];
let keyIds: readonly string[];
const log: string[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

beforeAll(async () => {
  const logger = pino({ level: "debug" }, { write: (line: string) => log.push(line) });
  authority = await startTestAuthority({ logger });
  const made = await Promise.all(
    (["operator", "agent", "viewer"] as const).map((role) => createScopedKey(authority, role)),
  );
  keys = [authority.ownerKey, authority.adminKey, ...made.map(({ secret }) => secret)];
  keyIds = made.map(({ keyId }) => keyId);
});
afterAll(async () => {
  agent.destroy();
  await authority.close();
});

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.constantFrom("", " ", "*", "a*", "a", "b", "__proto__", "constructor", "\u0000", "\ud800"),
);
const anyValue = fc.oneof(
  { weight: 3, arbitrary: anyText },
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, -0, 1e308, Number.MAX_SAFE_INTEGER + 1, "2030-01-01T00:00:00Z", "agent"),
);

const FIELDS = [
  "deviceId",
  "deviceIds",
  "devicePattern",
  "owner",
  "reason",
  "if_version",
  "dry_run",
  "limit",
  "cursor",
  "role",
  "name",
  "deviceOwner",
  "expiresAt",
  "keyId",
  "overlap_ms",
  "orgId",
  "plan",
  "planState",
  "accessUntil",
  "twoPersonRestore",
  "type",
  "overlap_hours",
  "__proto__",
  "constructor",
];

/** A body with fields that the API knows, and values that it does not. */
const fields = fc.dictionary(fc.constantFrom(...FIELDS), anyValue, { maxKeys: 6 });
/** One that goes through as often as not. */
const plausible = fc.record(
  {
    deviceId: fc.constantFrom("a", "b", "c"),
    deviceIds: fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 4 }),
    devicePattern: fc.constantFrom("*", "a", "b*"),
    owner: fc.constantFrom("x", "y"),
    reason: anyText,
    if_version: fc.nat(3_000),
    dry_run: fc.boolean(),
    role: fc.constantFrom("operator", "agent", "viewer"),
    keyId: fc.constantFrom("key_0", "@id"),
    overlap_ms: fc.nat(100_000),
    twoPersonRestore: fc.boolean(),
    plan: fc.constantFrom("free", 0, 7),
    orgId: fc.constantFrom("x"),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  plausible.map((value) => JSON.stringify(value)),
  fields.map((value) => JSON.stringify(value)),
  fc.json(),
  anyText,
  fc.constant(undefined),
);

const operations = Object.values(ROUTES);
const path = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...operations) },
  fc.webPath().map((text) => ({ method: "GET", path: text === "" ? "/" : text })),
  fc.constantFrom(...operations).map((route) => ({ ...route, method: "DELETE" })),
);
const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  fc.webQueryParameters().map((text) => `?${text}`),
  fields.map(
    (value) =>
      `?${new URLSearchParams(
        Object.entries(value).map(([name, each]): [string, string] => [name, JSON.stringify(each)]),
      ).toString()}`,
  ),
);
const headerText = fc
  .string({ unit: fc.constantFrom(...Array.from(" !#$%&*+-./0Aaz~,;=\t")), maxLength: 60 })
  .map((text) => text.trim());
const key = fc.oneof(
  { weight: 5, arbitrary: fc.nat(4).map((place) => `@${place}`) },
  headerText,
  fc.constantFrom("org_0123456789abcdef0123", "agt_", "org_".repeat(100)),
);
const headers = fc.record(
  {
    "x-org-key": key,
    "x-admin-key": key,
    "content-type": fc.constantFrom(
      "application/json",
      "application/json",
      "application/json; charset=utf-8",
      "text/plain",
      "multipart/form-data",
    ),
    "x-forwarded-for": headerText,
    "x-request-id": headerText,
    "last-event-id": fc.oneof(headerText, fc.constantFrom("1.0", "1.0_2.0", "99.9")),
    accept: headerText,
    cookie: headerText,
    authorization: headerText,
    "content-encoding": fc.constantFrom("gzip", "identity"),
  },
  { requiredKeys: ["x-org-key", "content-type"] },
);

const sent: fc.Arbitrary<Sent> = fc
  .record({ path, query, headers, body })
  .map(({ path: { method, path: place }, query: asked, ...rest }) => ({
    method,
    path: place + asked,
    ...rest,
  }));

/** Puts real keys and ids in the places of their names. */
function real(text: string): string {
  if (/^@\d$/.test(text)) return keys[Number(text.slice(1))] ?? "";
  return text.replaceAll('"@id"', JSON.stringify(keyIds[0]));
}

function send({ method, path: place, headers: given, body: payload }: Sent): Promise<{
  readonly status: number;
  readonly text: string;
  readonly head: string;
}> {
  return new Promise((resolve, reject) => {
    const own = Object.entries(given).map(([name, value]) => [name, real(value)]);
    const asked = httpRequest(
      {
        host: "127.0.0.1",
        port: authority.port,
        method,
        path: place,
        headers: Object.fromEntries(own),
        agent,
      },
      (answer) => {
        let text = "";
        const { "content-type": type = "", "x-request-id": id } = answer.headers;
        if (STREAM.test(type)) {
          // It may have no end: what it began with is the answer.
          answer.destroy();
          text = JSON.stringify({ request_id: id });
          resolve({ status: answer.statusCode ?? 0, text, head: answer.rawHeaders.join("\n") });
          return;
        }
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (text += chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text, head: answer.rawHeaders.join("\n") }),
        );
      },
    );
    asked.on("error", reject);
    asked.end(payload === undefined ? undefined : Buffer.from(real(payload), "utf8"));
  });
}

/** What is answered with other than JSON: events, and backups. */
const STREAM = /event-stream|sqlite/;

const INSIDE = / {4}at |node:|\.ts\b|SQLITE|FST_|ZodError|\/src\/|node_modules|TypeError/;

function expectSound(
  answer: { status: number; text: string; head: string },
  { method }: Sent,
): void {
  const { status, text, head } = answer;
  expect(status).toBeGreaterThanOrEqual(200);
  expect(status).toBeLessThan(500);
  const json: unknown = text === "" ? {} : JSON.parse(text);
  const fieldsOf = json as Record<string, unknown>;
  if (method !== "HEAD" && status !== 204)
    expect(fieldsOf["request_id"]).toMatch(/^[0-9a-f-]{36}$/);
  if (status >= 400) {
    expect(fieldsOf["allowed"]).toBe(false);
    expect(text).not.toMatch(INSIDE);
  }
  for (const each of keys) {
    expect(text).not.toContain(each);
    expect(head).not.toContain(each);
  }
}

it(`never answers ${REQUESTS} arbitrary requests with a 500, nor with anything from inside`, async () => {
  let count = 0;
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (batch) => {
      const answers = await Promise.all(batch.map(send));
      answers.forEach((answer, place) => {
        count += 1;
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        expectSound(answer, batch[place] as Sent);
      });
    }),
    { numRuns: REQUESTS / AT_ONCE, endOnFailure: true },
  );
  expect(count).toBeGreaterThanOrEqual(REQUESTS);
  // It got past the door, and was turned away for every reason there is.
  for (const status of [200, 400, 401, 403, 404, 405, 415]) {
    expect([status, (seen.get(status) ?? 0) > 0]).toEqual([status, true]);
  }
  const logged = log.join("");
  for (const each of keys) expect(logged).not.toContain(each);
  expect(logged).not.toContain('"level":50');
  expect((await call(authority, "GET", "/readyz")).status).toBe(200);
}, 240_000);

it("answers arbitrary bytes with a refusal, or not at all, and lives", async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((each) => Buffer.from(each)),
    fc
      .tuple(fc.constantFrom("GET", "POST", "\u0000", "PRI"), fc.string({ unit: "binary-ascii" }))
      .map(([method, rest]) => Buffer.from(`${method} ${rest}\r\n\r\n`, "latin1")),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (sentBytes) => {
      const socket = await openSocket(authority.port);
      const read = readToEnd(socket);
      socket.end(Buffer.concat([sentBytes, Buffer.from("\r\n\r\n\r\n")]));
      const text = await read;
      expect(text).not.toMatch(/HTTP\/1\.1 5/);
      expect(text).not.toMatch(INSIDE);
    }),
    { numRuns: 500 },
  );
  expect((await call(authority, "GET", "/readyz")).status).toBe(200);
}, 60_000);
