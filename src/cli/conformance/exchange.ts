import { MAX_ANSWER_BYTES, ORG_KEY_HEADER } from "../../wire/index.ts";
import { Violation } from "./rule.ts";

/** A request as a rule wants it, well formed or not. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  /** `null` leaves out the org key, or the content type. */
  readonly key?: string | null;
  readonly contentType?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer as it came. */
export interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The answer's JSON object; empty when it is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Sends requests to one authority. */
export class Exchange {
  readonly #base: string;
  readonly #key: string;
  readonly #timeoutMs: number;

  constructor(base: string, key: string, timeoutMs: number) {
    this.#base = base;
    this.#key = key;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws Violation when no answer comes in time */
  async ask(ask: Ask): Promise<Heard> {
    const response = await this.open(ask, AbortSignal.timeout(this.#timeoutMs));
    try {
      const text = await response.text();
      if (text.length > MAX_ANSWER_BYTES) throw new Violation("an answer has more than 1 MiB");
      const { status, headers } = response;
      return { status, headers, text, json: parse(text) };
    } catch (error) {
      if (error instanceof Violation) throw error;
      throw unanswered(ask, error);
    }
  }

  /** Begins a request whose answer is a stream. @throws Violation when no answer begins */
  async open(ask: Ask, signal: AbortSignal): Promise<Response> {
    const { method, path, body, raw, key = this.#key, contentType = "application/json" } = ask;
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const headers = new Headers(ask.headers);
    if (key !== null) headers.set(ORG_KEY_HEADER, key);
    if (content !== undefined && contentType !== null) headers.set("content-type", contentType);
    try {
      return await fetch(this.#base + path, {
        method,
        headers,
        redirect: "manual",
        signal,
        ...(content === undefined ? {} : { body: content }),
      });
    } catch (error) {
      throw unanswered(ask, error);
    }
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function unanswered({ method, path }: Ask, error: unknown): Violation {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Violation(`${method} ${path} got no answer: ${reason}`);
}
