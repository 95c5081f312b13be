/** Told of a check whose promise settled with nobody listening. */
export interface Watcher {
  unobserved(): void;
}

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
  #watcher: Watcher | undefined;
  /** What this was derived from with `catch` or `finally`. */
  #source: CheckPromise<unknown> | undefined;

  /** Promises derived from this one are ordinary. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Gives what `read` makes of `work`, and tells `watcher` if it settles unobserved. */
  static watch<W, T>(work: Promise<W>, watcher: Watcher, read: (result: W) => T): CheckPromise<T> {
    const promise = new CheckPromise<T>((resolve, reject) => {
      const refuse = (reason: unknown): void => {
        reject(reason);
        awaitObservation(promise);
      };
      const settle = (result: W): void => {
        try {
          resolve(read(result));
          awaitObservation(promise);
        } catch (error) {
          refuse(error);
        }
      };
      work.then(settle, refuse);
    });
    promise.#watcher = watcher;
    return promise;
  }

  get isObserved(): boolean {
    return this.#isObserved;
  }

  /** Says so if nobody has listened by now. */
  conclude(): void {
    if (!this.#isObserved) this.#watcher?.unobserved();
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

/**
 * The same for a check that was allowed at once. No promise stands behind it until
 * somebody listens: to make one of a class of its own for each check under a lease
 * would cost more than the check.
 */
class SettledCheck<T> implements Concluding {
  isObserved = false;
  // One is made for each check, and fields of this kind are the faster ones to make.
  private readonly value: Promise<T>;
  private readonly watcher: Watcher;

  constructor(value: Promise<T>, watcher: Watcher) {
    this.value = value;
    this.watcher = watcher;
    awaitObservation(this);
  }

  conclude(): void {
    if (!this.isObserved) this.watcher.unobserved();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being listened to is what is observed
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (typeof onFulfilled !== "function") return this.follow().then(onFulfilled, onRejected);
    this.isObserved = true;
    return this.value.then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.follow().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.follow().finally(onFinally);
  }

  get [Symbol.toStringTag](): string {
    return "Promise";
  }

  /** Listening to what is derived is watched there, from here on. */
  private follow(): CheckPromise<T> {
    this.isObserved = true;
    return CheckPromise.watch(this.value, this.watcher, (value) => value);
  }
}

let isInPlace = false;

/** Makes a {@link SettledCheck}, which is an `instanceof` of what it stands for. */
export function settledCheck<T>(value: Promise<T>, watcher: Watcher): Promise<T> {
  if (!isInPlace) Object.setPrototypeOf(SettledCheck.prototype, Promise.prototype);
  isInPlace = true;
  return new SettledCheck(value, watcher);
}

interface Concluding {
  readonly isObserved: boolean;
  conclude(): void;
}

let waiting: Concluding[] = [];
/** How many may wait before those that are observed are let go. */
let roomFor = 64;

/** Concludes `promise` once the current turn is over; all that wait share one callback. */
function awaitObservation(promise: Concluding): void {
  if (waiting.length >= roomFor) {
    // A turn may be long: a loop of checks under a lease never leaves it.
    waiting = waiting.filter(({ isObserved }) => !isObserved);
    roomFor = Math.max(64, waiting.length * 2);
  }
  if (waiting.push(promise) > 1 || isFlushScheduled) return;
  isFlushScheduled = true;
  if (typeof globalThis.setImmediate === "function") globalThis.setImmediate(flush);
  else setTimeout(flush, 0);
}

let isFlushScheduled = false;

function flush(): void {
  isFlushScheduled = false;
  const promises = waiting;
  waiting = [];
  for (const promise of promises) promise.conclude();
}
