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
  // One is made for each check, and fields of this kind are the faster ones to make.
  isObserved = false;
  private watcher: Watcher | undefined;
  /** What this was derived from with `catch` or `finally`. */
  private source: CheckPromise<unknown> | undefined;

  /** Gives what `read` makes of `work`, and tells `watcher` if it settles unobserved. */
  static watch<W, T>(work: Promise<W>, watcher: Watcher, read: (result: W) => T): CheckPromise<T> {
    observeAwait();
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
    promise.watcher = watcher;
    return promise;
  }

  /** The same for a check that was allowed at once. */
  static settled<T>(value: T, watcher: Watcher): CheckPromise<T> {
    observeAwait();
    settledValue = value;
    const promise = new CheckPromise<T>(settle);
    promise.watcher = watcher;
    awaitObservation(promise);
    return promise;
  }

  /** Says so if nobody has listened by now. */
  conclude(): void {
    if (!this.isObserved) this.watcher?.unobserved();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being listened to is what is observed
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (typeof onFulfilled !== "function") {
      return this.derive(() => super.then(onFulfilled, onRejected));
    }
    this.observe();
    return super.then(onFulfilled, onRejected);
  }

  override finally(onFinally?: (() => void) | null): Promise<T> {
    const settled = async (): Promise<void> => onFinally?.();
    return this.derive(() =>
      super.then(
        (value) => settled().then(() => value),
        (reason: unknown) =>
          settled().then(() => {
            throw reason;
          }),
      ),
    );
  }

  observe(): void {
    if (isDeriving) return;
    this.isObserved = true;
    this.source?.observe();
  }

  private derive<D>(make: () => Promise<D>): CheckPromise<D> {
    isDeriving = true;
    const derived = make();
    isDeriving = false;
    const promise = new CheckPromise<D>((resolve, reject) => {
      derived.then(resolve, reject);
    });
    promise.source = this;
    return promise;
  }
}

let isDeriving = false;
let settledValue: unknown;
const settle = (resolve: (value: never) => void): void => resolve(settledValue as never);

let isAwaitObserved = false;

/**
 * `await` does not call `then` of what says that it was made by `Promise`, as
 * these do, so that nothing stands between it and the result; but it asks.
 * Promises derived from these are ordinary for the same reason.
 */
function observeAwait(): void {
  if (isAwaitObserved) return;
  isAwaitObserved = true;
  Reflect.defineProperty(CheckPromise.prototype, "constructor", {
    get(this: CheckPromise<unknown>) {
      this.observe();
      return Promise;
    },
  });
}

let waiting: CheckPromise<unknown>[] = [];
/** How many may wait before those that are observed are let go. */
let roomFor = 64;

/** Concludes `promise` once the current turn is over; all that wait share one callback. */
function awaitObservation(promise: CheckPromise<unknown>): void {
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
