import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, startTestAuthority } from "../support/authority.ts";
import type { TestAuthority } from "../support/authority.ts";
import { parseBody, parseDeviceId } from "../../src/authority/http/parse.ts";
import { deviceRequestSchema } from "../../src/wire/index.ts";
import { rawValidate, sendRaw } from "./raw-http.ts";

/** What a function answers, or the code of what it throws. */
function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe("the fast lane", () => {
  let authority: TestAuthority;
  beforeAll(async () => {
    authority = await startTestAuthority();
    await call(authority, "POST", "/api/v1/devices/register", { deviceId: "a" });
  });
  afterAll(async () => {
    await authority.close();
  });

  it("reads device ids as the schema does", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.string({ minLength: 250, maxLength: 260 }),
    );
    const body = fc.oneof(fc.record({ deviceId: fc.oneof(text, fc.jsonValue()) }), fc.jsonValue());
    fc.assert(
      fc.property(body, (value) => {
        expect(outcome(() => parseDeviceId(value))).toEqual(
          outcome(() => parseBody(deviceRequestSchema, value).deviceId),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it("answers as the router does, whatever is sent", async () => {
    const byHand = fc.constantFrom("{", "", "null", "[]", '{"deviceId":"a"}', '{"deviceId":" a "}');
    const body = fc.oneof(
      byHand,
      fc.json(),
      fc.string().map((deviceId) => JSON.stringify({ deviceId })),
    );
    const key = fc.constantFrom(authority.ownerKey, "", "org_unknown-0123456789abcdef", "x");
    await fc.assert(
      fc.asyncProperty(body, key, async (sent, ownerKey) => {
        const fast = rawValidate(ownerKey, sent).toString();
        const routed = fast.replace("application/json", "application/json; charset=utf-8");
        const answers = await Promise.all(
          [fast, routed].map((request) => sendRaw(authority.port, Buffer.from(request))),
        );
        const [one, other] = answers.map(
          ({ status, headers, body: { request_id: id, ...rest } }) => {
            expect(headers.get("x-request-id")).toBe(id);
            const kept = ["content-type", "content-length", "cache-control"];
            return { status, rest, headers: kept.map((name) => headers.get(name)) };
          },
        );
        expect(one).toEqual(other);
      }),
      { numRuns: 150 },
    );
  });
});
