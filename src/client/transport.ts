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
    const [first] = this.#chunks;
    if (first === undefined) return "";
    if (this.#chunks.length === 1) return DECODER.decode(first);
    const whole = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return DECODER.decode(whole);
  }
}

const DECODER = new TextDecoder();

/**
 * A transport that was handed to us, made to keep its promise: one that ignores
 * its signal does not hold the caller.
 */
export function obeyingItsSignal(transport: Transport): Transport {
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const { signal } = request;
        const onAbort = (): void => reject(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        const settled = (): void => signal.removeEventListener("abort", onAbort);
        transport.send(request).finally(settled).then(resolve, reject);
      }),
  };
}
