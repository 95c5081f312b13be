/** One HTTP exchange. How bytes travel is behind this interface; what they mean is not. */
export interface TransportRequest {
  readonly method: "GET" | "POST";
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Aborts the exchange, whatever it is at. */
  readonly signal: AbortSignal;
  /** Largest answer to read, in bytes. */
  readonly maxBytes: number;
}

export interface TransportAnswer {
  readonly status: number;
  readonly text: string;
  /** Looks a header up by its lower-case name. */
  readonly header: (name: string) => string | undefined;
}

/**
 * Sends a request and reads the whole answer.
 *
 * An implementation must not follow redirects (a key must not travel), must
 * reject when `signal` aborts, must reject an answer that was cut short, and
 * must reject one over `maxBytes` with {@link AnswerTooLargeError}.
 */
export interface Transport {
  send(request: TransportRequest): Promise<TransportAnswer>;
}

export class AnswerTooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`the answer has more than ${maxBytes} bytes`);
    this.name = "AnswerTooLargeError";
  }
}

/** Collects an answer's chunks up to a limit, and decodes them as UTF-8. */
export class AnswerBody {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {@link AnswerTooLargeError} */
  add(chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    if (this.#size > this.#maxBytes) throw new AnswerTooLargeError(this.#maxBytes);
    this.#chunks.push(chunk);
  }

  text(): string {
    const decoder = new TextDecoder();
    const parts = this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true }));
    return parts.join("") + decoder.decode();
  }
}
