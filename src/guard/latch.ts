import type { ExecutionStoppedError } from "./errors.ts";

/** Holds the first refusal of a run for ever, and aborts the run's signal with it. */
export class Latch {
  readonly runId: string = crypto.randomUUID();
  readonly #controller = new AbortController();
  readonly #onStop: (error: ExecutionStoppedError, runId: string) => void;
  #error: ExecutionStoppedError | undefined;

  constructor(onStop: (error: ExecutionStoppedError, runId: string) => void) {
    this.#onStop = onStop;
  }

  get error(): ExecutionStoppedError | undefined {
    return this.#error;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Latches `error` unless one is latched already; returns the one that holds. */
  set(error: ExecutionStoppedError): ExecutionStoppedError {
    if (this.#error !== undefined) return this.#error;
    this.#error = error;
    this.#controller.abort(error);
    this.#onStop(error, this.runId);
    return error;
  }
}
