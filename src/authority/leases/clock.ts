/** A monotonic clock, in milliseconds. It is the only one by which allows and waits are measured. */
export type MonotonicClock = () => number;

/** What is added to every wait, since two clocks never run equally fast. */
const CLOCK_TOLERANCE = 0.01;

/** When something good for `termMs` is over everywhere, if it was given by now. */
export const overAt = (now: number, termMs: number): number => now + termMs * (1 + CLOCK_TOLERANCE);

/** How long to wait until nothing that is good for `termMs` is left. */
export const waitFor = (termMs: number): number => overAt(0, termMs);
