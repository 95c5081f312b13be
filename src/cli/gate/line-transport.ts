import type { Readable, Writable } from "node:stream";
import { parseJson } from "./json.ts";
import { readLines, writeLine } from "./lines.ts";

/** Requests of a client over this are refused; it is what the SDK's own transports take. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
/** Up to here a message is read at all, so that its sender can be answered. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

export interface LineTransportOptions {
  readonly input: Readable;
  readonly output: Writable;
  /**
   * Whether what cannot be read is answered. A client waits for an answer; what a
   * server prints beside its messages is nothing to be answered.
   */
  readonly answersErrors: boolean;
}

/**
 * Messages as lines of JSON: the transport that MCP calls stdio, of either side.
 * Whatever is read is parsed and written anew, so that every reader behind sees
 * the same message.
 */
export class LineTransport {
  onclose?: (() => void) | undefined;
  onend?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: unknown) => unknown) | undefined;
  readonly #options: LineTransportOptions;
  #isClosed = false;

  constructor(options: LineTransportOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#options.output.on("error", () => void this.close());
    void this.#read();
  }

  async send(message: unknown): Promise<void> {
    await writeLine(this.#options.output, JSON.stringify(message));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.();
  }

  async #read(): Promise<void> {
    try {
      await readLines(this.#options.input, MAX_LINE_BYTES, (line) => this.#take(line));
      this.onend?.();
    } catch (error) {
      this.#report(error);
      await this.close();
    }
  }

  async #take(line: Buffer): Promise<void> {
    if (this.#isClosed) return;
    const text = line.toString("utf8").trim();
    if (text === "") return;
    let message: unknown;
    try {
      message = parseJson(text);
    } catch {
      await this.#refuse(null, PARSE_ERROR, "What was sent is no JSON");
      return;
    }
    if (this.#options.answersErrors && line.length > MAX_MESSAGE_BYTES) {
      const { id, method }: { id?: unknown; method?: unknown } = Object(message);
      const isRequest = method !== undefined && id !== undefined;
      const problem = `A message has at most ${MAX_MESSAGE_BYTES} bytes`;
      await this.#refuse(isRequest ? id : null, INVALID_REQUEST, problem);
      return;
    }
    await this.onmessage?.(message);
  }

  async #refuse(id: unknown, code: number, message: string): Promise<void> {
    this.#report(new Error(message));
    if (!this.#options.answersErrors) return;
    await this.send({ jsonrpc: "2.0", id, error: { code, message } }).catch(() => undefined);
  }

  #report(error: unknown): void {
    this.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }
}
