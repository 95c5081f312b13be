import fc from "fast-check";
import { expect, test } from "vitest";
import { leaseAnswerSchema, leaseRequestSchema, readDecision } from "../../src/wire/index.ts";
import { readLeaseNews } from "../../src/wire/lease-reading.ts";
import type { LeaseNews } from "../../src/wire/lease-reading.ts";

const read = (text: unknown): LeaseNews | undefined => readLeaseNews(text, readDecision);

const session = "fbf77ff5-06ed-42eb-8e07-024c32ef1e68";
const decisions = { a: { allowed: true, code: "ALLOW", request_id: session } };

const requests = [
  { type: "hello", session, devices: [], client: { name: "x" } },
  { type: "hello", session, devices: ["a"], key: "agt_x" },
  { type: "renew", n: 17 },
  { type: "ack", version: 4712, devices: ["a"], state: "fenced" },
  { type: "ack", version: 4712, devices: ["a"], state: "drained" },
  { type: "watch", devices: ["a"] },
  { type: "unwatch", n: 18, devices: ["a"] },
  { type: "check", n: 19, devices: ["a"] },
];

const answers = [
  { type: "grant", n: 17, ttl_ms: 10_000, version: 4711, decisions },
  { type: "stop", version: 4712, devices: ["a"], code: "DEVICE_REVOKED", request_id: session },
  { type: "allow", version: 4713, devices: ["a"] },
  { type: "decision", n: 19, version: 4711, valid_ms: 2000, decisions },
];

test("every message of the contract is one", () => {
  for (const request of requests) expect(leaseRequestSchema.parse(request)).toEqual(request);
  for (const answer of answers) {
    expect(leaseAnswerSchema.parse(answer)).toEqual(answer);
    expect(read(JSON.stringify(answer))).toMatchObject({ type: answer.type });
  }
});

test.each([
  { type: "hello", session: "no-uuid", devices: [] },
  { type: "renew" },
  { type: "renew", n: -1 },
  { type: "renew", n: 1.5 },
  { type: "ack", version: 1, devices: ["a"], state: "done" },
  { type: "ack", version: 1, devices: [], state: "fenced" },
  { type: "unwatch", devices: ["a"] },
  { type: "watch", devices: ["\u0000"] },
  { type: "grant", n: 1, ttl_ms: 1, version: 1, decisions },
])("a client may not send %j", (message) => {
  expect(leaseRequestSchema.safeParse(message).success).toBe(false);
});

/** Anything, and messages with one field that is anything. */
const nearly = fc.oneof(
  fc.json().map((text): unknown => JSON.parse(text)),
  fc
    .tuple(
      fc.constantFrom(...answers),
      fc.constantFrom("type", "n", "version", "ttl_ms", "valid_ms", "decisions", "devices", "code"),
      fc.json(),
    )
    .map(([answer, field, text]): unknown => ({ ...answer, [field]: JSON.parse(text) })),
);

test("what a guard takes for a term or a number, the schema does too", () => {
  fc.assert(
    fc.property(nearly, (message) => {
      const news = read(JSON.stringify(message));
      if (news === undefined || news.type === "allow") return;
      const { type, n = 0, version = 0, termMs = 0 } = { ...news } as Record<string, unknown>;
      expect(["grant", "decision", "stop"]).toContain(type);
      for (const value of [n, version, termMs]) {
        expect(typeof value).toBe("number");
        expect(value).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(value)).toBe(true);
      }
    }),
  );
});

test("a device is allowed only by the boolean true under its own name", () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom("a", "b", "__proto__"), (allowed, name) => {
      let text: string;
      try {
        text = JSON.stringify({ ...answers[0], decisions: { [name]: { allowed } } });
      } catch {
        return;
      }
      const news = read(text);
      const verdict = news?.type === "grant" ? news.verdictOn("a") : undefined;
      expect(verdict?.outcome === "allowed").toBe(name === "a" && allowed === true);
    }),
  );
  for (const inherited of ["toString", "constructor", "__proto__"]) {
    const news = read(JSON.stringify(answers[0]));
    expect(news?.type === "grant" ? news.verdictOn(inherited) : "none").toBeUndefined();
  }
});

test("nothing that arrives makes the reader throw", () => {
  fc.assert(
    fc.property(fc.anything(), (frame) => {
      expect(() => read(frame)).not.toThrow();
    }),
  );
});

test("a stop is obeyed, whatever else of it cannot be read", () => {
  for (const more of [{}, { version: "x" }, { code: 7 }, { status: "error" }, { allowed: true }]) {
    const news = read(JSON.stringify({ type: "stop", devices: ["a"], ...more }));
    expect(news).toMatchObject({ type: "stop", version: 0, verdict: { outcome: "denied" } });
  }
});
