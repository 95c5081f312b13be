/** Where the guard reads time, in milliseconds. */
export interface Clock {
  /** Never goes back; may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** Time of day, since the epoch; may jump. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/** One reading of both clocks. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** How often the wall clock had been seen to go back by then. */
  readonly setbacks: number;
}

/** Part of every term that is given up, since two clocks never run equally fast. */
const CLOCK_TOLERANCE = 0.01;

/** Reads both clocks of a {@link Clock}, and remembers when the wall clock goes back. */
export class Timekeeper {
  readonly #clock: Clock;
  #seenWallMs = Number.NEGATIVE_INFINITY;
  #setbacks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): Instant {
    const monotonicMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    if (wallMs < this.#seenWallMs) this.#setbacks += 1;
    this.#seenWallMs = wallMs;
    return { monotonicMs, wallMs, setbacks: this.#setbacks };
  }

  /** Time from one instant to another, as the larger of what both clocks say: a sleep counts. */
  elapsedMs(since: Instant, now: Instant): number {
    return Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs);
  }

  /**
   * How long something good for `termMs` may still be used, in milliseconds. Below
   * 0: not any more. Age is the larger of what both clocks say, so a machine that
   * slept finds the term over; a wall clock that was seen to go back in between
   * ends it too.
   */
  leftMs(termMs: number, since: Instant, now: Instant): number {
    if (now.setbacks !== since.setbacks) return Number.NEGATIVE_INFINITY;
    return termMs * (1 - CLOCK_TOLERANCE) - this.elapsedMs(since, now);
  }
}

const timekeepers = new WeakMap<Clock, Timekeeper>();

/** The timekeeper of a clock. There is one, so that whoever looks sees for all. */
export function timekeeperOf(clock: Clock): Timekeeper {
  let timekeeper = timekeepers.get(clock);
  if (timekeeper === undefined) timekeepers.set(clock, (timekeeper = new Timekeeper(clock)));
  return timekeeper;
}
