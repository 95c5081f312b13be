import { MAX_ANSWER_BYTES, REQUEST_ID_HEADER, requestIdOf } from "../wire/index.ts";
import { Deadline } from "./deadline.ts";
import { RequestError } from "./errors.ts";
import type { RequestErrorCode } from "./errors.ts";
import { AnswerTooLargeError } from "./transport.ts";
import type { Transport, TransportAnswer } from "./transport.ts";

export interface Exchange {
  readonly method: "GET" | "POST";
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What no error may repeat, even when the other side echoes it. */
  readonly secret: string;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly signal: AbortSignal | undefined;
  /** Infinity when `signal` alone is the deadline. */
  readonly timeoutMs: number;
}

/** A JSON answer of any status. */
export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** Parsed JSON, as it came. */
  readonly body: unknown;
  readonly requestId: string | undefined;
  /** The answer's `Retry-After` in milliseconds, when it had one. */
  readonly retryAfterMs: number | undefined;
}

const EXCERPT_LENGTH = 200;

/**
 * One request and its JSON answer, under one deadline.
 *
 * @throws {@link RequestError} when no JSON answer came; the caller's abort
 * reason when `signal` was aborted.
 */
export async function exchange(transport: Transport, request: Exchange): Promise<Answer> {
  const { method, origin, path, signal, timeoutMs } = request;
  signal?.throwIfAborted();
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers =
    body === undefined
      ? { accept: "application/json", ...request.headers }
      : { accept: "application/json", "content-type": "application/json", ...request.headers };

  const deadline = new Deadline(timeoutMs, signal);
  try {
    const answer = await transport.send({
      method,
      origin,
      path,
      headers,
      body,
      signal: deadline.signal,
      maxBytes: MAX_ANSWER_BYTES,
    });
    return readJson(request, answer);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (RequestError.isInstance(error)) throw error;
    if (deadline.isOver) {
      throw failure(
        request,
        "AUTHORITY_TIMEOUT",
        `no answer from ${origin} within timeoutMs, ${timeoutMs} ms`,
      );
    }
    if (error instanceof AnswerTooLargeError) {
      throw failure(request, "AUTHORITY_MALFORMED", error.message);
    }
    const problem = `${origin} could not be reached: ${reasonOf(error)}`;
    throw failure(request, "AUTHORITY_UNREACHABLE", problem, error);
  } finally {
    deadline.clear();
  }
}

function readJson(request: Exchange, answer: TransportAnswer): Answer {
  const { status, text, header } = answer;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    const isRedirect = status === 0 || (status >= 300 && status < 400);
    const excerpt = hide(text, request.secret).slice(0, EXCERPT_LENGTH);
    throw new RequestError(
      "AUTHORITY_MALFORMED",
      isRedirect
        ? "the answer is a redirect, which is not followed; check the base URL"
        : `the answer is not JSON; check the base URL: ${JSON.stringify(excerpt)}`,
      {
        method: request.method,
        path: request.path,
        status,
        requestId: requestIdOf({ request_id: header(REQUEST_ID_HEADER) }),
      },
    );
  }
  const seconds = header("retry-after");
  return {
    status,
    body,
    requestId: requestIdOf(body) ?? requestIdOf({ request_id: header(REQUEST_ID_HEADER) }),
    retryAfterMs:
      seconds !== undefined && /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : undefined,
  };
}

function failure(
  { method, path, secret }: Exchange,
  code: RequestErrorCode,
  problem: string,
  cause?: unknown,
): RequestError {
  return new RequestError(code, hide(problem, secret), {
    method,
    path,
    cause: cause === undefined ? undefined : describeCause(cause, secret),
  });
}

/** The innermost message says most: "fetch failed" has "connect ECONNREFUSED …" as its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors[0] instanceof Error) {
    return reasonOf(error.errors[0]);
  }
  return error.message;
}

const hide = (text: string, secret: string): string => text.replaceAll(secret, "[org key]");

/** Deepest cause that is told of. */
const MAX_CAUSES = 5;

/**
 * A cause as what is safe to show of it: names, messages and codes. The error
 * itself may carry anything, the request's headers among them.
 */
function describeCause(cause: unknown, secret: string, depth = 1): Error {
  const { name, message, code, cause: inner }: Partial<Record<string, unknown>> = Object(cause);
  const text = cause instanceof Error ? String(message) : "the transport threw no error";
  const nested = inner instanceof Error && depth < MAX_CAUSES;
  const options = nested ? { cause: describeCause(inner, secret, depth + 1) } : {};
  const described = new Error(hide(text, secret), options);
  if (typeof name === "string") described.name = hide(name, secret);
  if (typeof code === "string") Object.assign(described, { code: hide(code, secret) });
  return described;
}

/** The fields that are there, as the query of an address. */
export function pathOf(path: string, fields: Readonly<Record<string, unknown>> = {}): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (path.includes(`{${name}}`)) {
      filled = filled.replace(`{${name}}`, () => encodeURIComponent(text));
    } else query.set(name, text);
  }
  return query.size === 0 ? filled : `${filled}?${query.toString()}`;
}
