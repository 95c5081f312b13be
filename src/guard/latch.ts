import type { Attempt } from "./attempt.ts";
import type { ExecutionStoppedError } from "./errors.ts";

/** Holds the first refusal of a run for ever, and aborts the run's signal with it. */
export class Latch {
  readonly runId: string = crypto.randomUUID();
  readonly #onStop: (error: ExecutionStoppedError, runId: string) => void;
  /** Checks of the run that are under way. */
  readonly #attempts = new Set<Attempt>();
  /** Made when somebody first looks at the signal. */
  #controller: AbortController | undefined;
  #error: ExecutionStoppedError | undefined;

  constructor(onStop: (error: ExecutionStoppedError, runId: string) => void) {
    this.#onStop = onStop;
  }

  get error(): ExecutionStoppedError | undefined {
    return this.#error;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#error !== undefined) this.#controller.abort(this.#error);
    }
    return this.#controller.signal;
  }

  /** Ends `attempt` when the run is stopped. */
  follow(attempt: Attempt): void {
    this.#attempts.add(attempt);
  }

  unfollow(attempt: Attempt): void {
    this.#attempts.delete(attempt);
  }

  /** Latches `error` unless one is latched already; returns the one that holds. */
  set(error: ExecutionStoppedError): ExecutionStoppedError {
    if (this.#error !== undefined) return this.#error;
    this.#error = error;
    for (const attempt of this.#attempts) attempt.end("caller", error);
    this.#controller?.abort(error);
    this.#onStop(error, this.runId);
    return error;
  }
}
