import { expect } from "vitest";
import { failureAnswerSchema, readDecision } from "../../src/wire/index.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/**
 * The status and code of a failure, once it has been seen to have the failure
 * shape, to deny, and to hold nothing that comes from inside.
 */
export function failureIn(answer: Answered): [status: number, code: unknown] {
  const { status, body, headers } = answer;
  expect(Object.keys(body)).toEqual([
    "status",
    "error",
    "code",
    "message",
    "allowed",
    "request_id",
  ]);
  expect(failureAnswerSchema.safeParse(body).success).toBe(true);
  expectRequestId(answer);
  expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(JSON.stringify(body)).not.toMatch(/ {4}at |node:|\.ts|SQL|FST_|zod|\/src\//i);
  expect(readDecision(status, body, "any").outcome).toBe("unavailable");
  return [status, body["code"]];
}

/** Expects one request id, in the body and in the header. */
export function expectRequestId({ headers, body }: Answered): void {
  expect(body["request_id"]).toMatch(UUID);
  expect(headers.get("x-request-id")).toBe(body["request_id"]);
}
