import type { Answer } from "../client/index.ts";
import { failureAnswerSchema } from "../wire/index.ts";
import type { Verdict } from "../wire/index.ts";
import { CommandError, EXIT } from "./exit-code.ts";
import { printable } from "./output.ts";

/** An answer that says that the thing asked for was done. */
export type Done = Readonly<Record<string, unknown>>;

/**
 * Takes an answer for done only when it says so: a 2xx whose `status` is `ok`.
 *
 * @throws {@link CommandError} for any other, a restore that waits for a second key included
 */
export function expectDone(answer: Answer, what: string): Done {
  const { status, body, requestId } = answer;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && isRecord(body) && body["status"] === "ok") return body;
  if (isSuccess && isRecord(body) && body["status"] === "pending") {
    throw new CommandError(
      `${what} was asked for, and is not done: the org's policy wants a second key. ` +
        "Run the same command with another key within a day",
      { exitCode: EXIT.error, code: "RESTORE_PENDING", requestId },
    );
  }
  throw failed(answer, what);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The error of an answer that did not do `what`. */
export function failed(
  { status, body, requestId, retryAfterMs }: Answer,
  what: string,
): CommandError {
  const parsed = failureAnswerSchema.safeParse(body);
  const code = parsed.success ? printable(parsed.data.code) : `HTTP_${status}`;
  const words = parsed.success ? `${printable(parsed.data.message).replace(/\.$/, "")} ` : "";
  const isOutage = status >= 500 || status === 429 || !parsed.success;
  return new CommandError(
    `${what} failed: ${words}(${[code, `status ${status}`, ...requestPart(requestId)].join(", ")})` +
      mendOf(status, code, retryAfterMs),
    { exitCode: isOutage ? EXIT.unavailable : EXIT.error, code, requestId },
  );
}

/** The error of a check that got no decision. */
export function undecided(
  deviceId: string,
  verdict: Extract<Verdict, { outcome: "unavailable" }>,
  status: number,
): CommandError {
  const { code, serverCode, requestId } = verdict;
  const parts = [...(serverCode === undefined ? [] : [serverCode]), `status ${status}`];
  return new CommandError(
    `No decision for ${printable(deviceId)}, so it must not work: ${code} ` +
      `(${[...parts, ...requestPart(requestId)].join(", ")})${mendOf(status, serverCode ?? code, undefined)}`,
    { exitCode: EXIT.unavailable, code, requestId },
  );
}

const requestPart = (requestId: string | undefined): string[] =>
  requestId === undefined ? [] : [`request ${requestId}`];

function mendOf(status: number, code: string, retryAfterMs: number | undefined): string {
  if (code === "ADMIN_KEY_INVALID") {
    return ". Set MACHINEID_ADMIN_KEY to the key that serve showed when it first ran, or use --admin-key-file";
  }
  if (code === "KEY_NOT_FOUND") return ". machineid keys list shows the keys there are";
  if (code === "CONFLICT") return ". Look at how things are now, then decide again";
  if (code === "DEVICE_NOT_FOUND") return ". machineid list shows the devices there are";
  if (code === "ORG_NOT_FOUND") return ". machineid org list shows the orgs there are";
  if (status === 401)
    return ". Check the key, and that it belongs to this authority: machineid doctor";
  if (status === 403) return ". Use a key whose role may do this";
  if (status === 429) {
    const seconds = retryAfterMs === undefined ? "a while" : `${Math.ceil(retryAfterMs / 1000)} s`;
    return `. Try again in ${seconds}`;
  }
  if (status >= 500) return ". Try again; the authority's log has the request id";
  return ". machineid doctor looks closer";
}
