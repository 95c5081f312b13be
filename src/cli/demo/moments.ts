/** Lets a story wait for what its agents bring about, and fail when one of them fails. */
export class Moments {
  readonly #waiting = new Set<() => void>();
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;

  /** @param signal ends every wait with its reason */
  constructor(signal: AbortSignal) {
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
    signal.addEventListener("abort", () => this.#fail(signal.reason), { once: true });
  }

  /** Something happened: whoever waits looks again. */
  readonly changed = (): void => {
    for (const look of this.#waiting) look();
  };

  /** Ends every wait when `work` fails, and so it may be awaited late. */
  watch<T>(work: Promise<T>): Promise<T> {
    work.then(this.changed, this.#fail);
    const watched = Promise.race([work, this.#failed]);
    watched.catch(() => undefined);
    return watched;
  }

  /** Resolves when the condition holds; rejects when something watched has failed. */
  until(condition: () => boolean): Promise<void> {
    const met = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
    return Promise.race([met, this.#failed]);
  }
}
