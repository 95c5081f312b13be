import type { Cancellation } from "./cancellation.ts";

export type AttemptEnd = "timeout" | "closed" | "caller";

/**
 * How long one check may take: until its deadline, until the guard is closed,
 * until its run is stopped, or until a signal of the caller's aborts, whichever
 * comes first.
 */
export class Attempt implements Cancellation {
  /** Those of its run and those of its guard, with itself. */
  readonly #lists: readonly Attempt[][];
  /** Where it is in each. A `Set`, which outgrows one table after the other, keeps garbage for long. */
  readonly #places: number[];
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #signals: readonly AbortSignal[];
  #listener: ((reason: unknown) => void) | undefined;
  #endedBy: AttemptEnd | undefined;
  #reason: unknown;

  constructor(timeoutMs: number, lists: readonly Attempt[][], signals: readonly AbortSignal[]) {
    this.#lists = lists;
    this.#places = lists.map((list) => list.push(this) - 1);
    this.#signals = signals;
    this.#timer = setTimeout(endForTime, timeoutMs, this);
    for (const signal of signals) signal.addEventListener("abort", this);
  }

  /** What ended the attempt before it had its answer; undefined while it lasts. */
  get endedBy(): AttemptEnd | undefined {
    return this.#endedBy;
  }

  get isCancelled(): boolean {
    return this.#endedBy !== undefined;
  }

  get reason(): unknown {
    return this.#reason;
  }

  onCancel(listener: (reason: unknown) => void): void {
    this.#listener = listener;
  }

  end(by: AttemptEnd, reason?: unknown): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = by;
    this.#reason = reason;
    this.#listener?.(reason);
  }

  /** An `abort` of one of the caller's signals. */
  handleEvent(): void {
    this.end("caller", this.#signals.find(({ aborted }) => aborted)?.reason);
  }

  /** Lets go of the timer, of both lists and of the caller's signals. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#listener = undefined;
    this.#lists.forEach((list, which) => {
      // The last one takes its place.
      const last = list.pop();
      const place = this.#places[which];
      if (last === undefined || last === this || place === undefined) return;
      list[place] = last;
      last.#places[which] = place;
    });
    for (const signal of this.#signals) signal.removeEventListener("abort", this);
  }
}

const endForTime = (attempt: Attempt): void => attempt.end("timeout");
