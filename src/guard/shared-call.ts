import type { Cancellation } from "./cancellation.ts";

/**
 * One piece of work that several callers wait for, each with a cancellation of
 * its own. A caller that cancels leaves alone; when all have left, the work is
 * aborted.
 */
export class SharedCall<T> {
  readonly #controller = new AbortController();
  readonly #work: (signal: AbortSignal) => Promise<T>;
  readonly #result = Promise.withResolvers<T>();
  #callers = 0;

  /** @param work never throws synchronously */
  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#work = work;
    this.#result.promise.catch(() => undefined);
  }

  /** Starts the work, unless every caller has already left. */
  begin(): this {
    const { signal } = this.#controller;
    const { resolve, reject } = this.#result;
    if (signal.aborted) reject(signal.reason);
    else this.#work(signal).then(resolve, reject);
    return this;
  }

  /** Every caller has left, and the work with them: a newcomer needs another call. */
  get isAbandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** @throws the reason of `cancellation` when it comes first. */
  join(cancellation: Cancellation): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (cancellation.isCancelled) {
        reject(cancellation.reason);
        this.#abandonIfAlone(cancellation.reason);
        return;
      }
      this.#callers += 1;
      cancellation.onCancel((reason) => {
        reject(reason);
        this.#callers -= 1;
        this.#abandonIfAlone(reason);
      });
      this.#result.promise.then(resolve, reject);
    });
  }

  #abandonIfAlone(reason: unknown): void {
    if (this.#callers === 0) this.#controller.abort(reason);
  }
}
