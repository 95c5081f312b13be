type Report = () => void;

/**
 * The promise of a check. It notices when it settles with nobody listening: a
 * check that is not awaited gates nothing.
 *
 * `await`, `then` and the combinators of `Promise` all count as listening; so
 * does anything done before the turn of the event loop in which it settled is
 * over. `catch` and `finally` alone do not, since they hear of no allow: what
 * they return has to be listened to.
 */
export class CheckPromise<T> extends Promise<T> {
  #isObserved = false;
  /** What this was derived from with `catch` or `finally`. */
  #source: CheckPromise<unknown> | undefined;

  /** Promises derived from this one are ordinary. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Follows `work`, and calls `report` if it settles unobserved. */
  static watch<T>(work: Promise<T>, report: Report): CheckPromise<T> {
    const promise = new CheckPromise<T>((resolve, reject) => {
      work.then(resolve, reject);
    });
    const settled = (): void => {
      if (promise.#isObserved) return;
      afterThisTurn(() => promise.#isObserved || report());
    };
    work.then(settled, settled);
    return promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being listened to is what is observed
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const derived = super.then(onFulfilled, onRejected);
    if (typeof onFulfilled !== "function") return this.#derive(derived);
    this.#observe();
    return derived;
  }

  override finally(onFinally?: (() => void) | null): Promise<T> {
    const settle = async (): Promise<void> => onFinally?.();
    const derived = super.then(
      (value) => settle().then(() => value),
      (reason: unknown) =>
        settle().then(() => {
          throw reason;
        }),
    );
    return this.#derive(derived);
  }

  #derive<D>(derived: Promise<D>): CheckPromise<D> {
    const promise = new CheckPromise<D>((resolve, reject) => {
      derived.then(resolve, reject);
    });
    promise.#source = this;
    return promise;
  }

  #observe(): void {
    this.#isObserved = true;
    if (this.#source !== undefined) this.#source.#observe();
  }
}

let waiting: (() => void)[] = [];

/** Calls back once the current turn is over; all that wait share one callback. */
function afterThisTurn(callback: () => void): void {
  if (waiting.push(callback) > 1) return;
  const flush = (): void => {
    const callbacks = waiting;
    waiting = [];
    for (const each of callbacks) each();
  };
  if (typeof globalThis.setImmediate === "function") globalThis.setImmediate(flush);
  else setTimeout(flush, 0);
}
