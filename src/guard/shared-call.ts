/**
 * One piece of work that several callers wait for, each with a signal of its
 * own. A caller that aborts leaves alone; when all have left, the work is
 * aborted.
 */
export class SharedCall<T> {
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #begin: () => void = () => undefined;
  #callers = 0;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = new Promise<void>((resolve) => {
      this.#begin = resolve;
    }).then(() => {
      this.#controller.signal.throwIfAborted();
      return work(this.#controller.signal);
    });
    this.#result.catch(() => undefined);
  }

  /** Starts the work, unless every caller has already left. */
  begin(): this {
    this.#begin();
    return this;
  }

  /** Every caller has left, and the work with them: a newcomer needs another call. */
  get isAbandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** @throws the signal's reason when it aborts first. */
  join(signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      this.#callers += 1;
      const onAbort = (): void => {
        reject(signal.reason);
        this.#callers -= 1;
        if (this.#callers === 0) this.#controller.abort(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#result
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", onAbort));
    });
  }
}
