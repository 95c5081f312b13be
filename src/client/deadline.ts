/**
 * When a request is given up: after a time, or when the caller's signal aborts.
 * Without a time, it is the caller's signal itself.
 */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #controller: AbortController | undefined;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** @param timeoutMs milliseconds; Infinity is no limit, if there is a signal */
  constructor(timeoutMs: number, callerSignal: AbortSignal | undefined) {
    if (timeoutMs === Number.POSITIVE_INFINITY && callerSignal !== undefined) {
      this.signal = callerSignal;
      return;
    }
    this.#controller = new AbortController();
    this.signal = this.#controller.signal;
    this.#callerSignal = callerSignal;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller?.abort();
    }, timeoutMs);
    callerSignal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Whether the time has run out. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets go of the timer and of the caller's signal. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#callerSignal?.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => this.#controller?.abort(this.#callerSignal?.reason);
}
