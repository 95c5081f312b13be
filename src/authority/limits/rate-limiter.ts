import { RecentMap } from "./recent-map.ts";

/** So many at once, and so many a second from then on. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Ids of which an account is kept at most; those seen longest ago are forgotten first. */
const MOST_IDS = 100_000;

/**
 * Counts per id, as a leaky bucket does (GCRA): one number an id, no timers, and
 * a monotonic clock.
 */
export class RateLimiter {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #clock: () => number;
  /** When an id would have none left to pay for, by the clock. */
  readonly #due = new RecentMap<number>(MOST_IDS);

  constructor({ perSecond, burst }: RateLimit, clock: () => number) {
    this.#intervalMs = 1000 / perSecond;
    this.#toleranceMs = this.#intervalMs * (burst - 1);
    this.#clock = clock;
  }

  /** Counts one more for an id, if there is room for it: 0; else after how many milliseconds there is. */
  take(id: string): number {
    const now = this.#clock();
    const due = Math.max(this.#due.get(id) ?? 0, now);
    const waitMs = due - now - this.#toleranceMs;
    if (waitMs > 0) return waitMs;
    this.#due.set(id, due + this.#intervalMs);
    return 0;
  }

  /** After how many milliseconds there is room for an id; 0 when there is now. */
  waitOf(id: string): number {
    const due = this.#due.isEmpty ? undefined : this.#due.get(id);
    return due === undefined ? 0 : Math.max(0, due - this.#clock() - this.#toleranceMs);
  }
}
