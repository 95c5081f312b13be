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
}

export function readClock(clock: Clock): Instant {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
}

/** Time since an instant, as the larger of what both clocks say: a sleep counts. */
export function elapsedMs(since: Instant, clock: Clock): number {
  return Math.max(clock.monotonicMs() - since.monotonicMs, clock.wallMs() - since.wallMs);
}

/** Part of every term that is given up, since two clocks never run equally fast. */
const CLOCK_TOLERANCE = 0.01;

/**
 * Whether something good for `termMs` from `since` is still good. Age is the
 * larger of what both clocks say, so a machine that slept finds the term over;
 * a wall clock that went back ends it too.
 */
export function isWithin(termMs: number, since: Instant, clock: Clock): boolean {
  const wallAge = clock.wallMs() - since.wallMs;
  const age = Math.max(clock.monotonicMs() - since.monotonicMs, wallAge);
  return wallAge >= 0 && age <= termMs * (1 - CLOCK_TOLERANCE);
}
