export type AttemptEnd = "timeout" | "closed" | "caller";

/**
 * How long one check may take: until its deadline, until the guard is closed,
 * or until a signal of the caller's aborts, whichever comes first.
 */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #signals: readonly AbortSignal[];
  #endedBy: AttemptEnd | undefined;

  constructor(timeoutMs: number, signals: readonly AbortSignal[]) {
    this.#signals = signals;
    this.#timer = setTimeout(() => this.end("timeout"), timeoutMs);
    for (const signal of signals) signal.addEventListener("abort", this.#onAbort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What ended the attempt before it had its answer; undefined while it lasts. */
  get endedBy(): AttemptEnd | undefined {
    return this.#endedBy;
  }

  end(by: AttemptEnd, reason?: unknown): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = by;
    this.#controller.abort(reason);
  }

  /** Lets go of the timer and of the caller's signals. */
  clear(): void {
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => {
    this.end("caller", this.#signals.find(({ aborted }) => aborted)?.reason);
  };
}
