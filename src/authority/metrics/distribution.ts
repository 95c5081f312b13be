/**
 * How observations are spread over ranges, as plain counts: observing costs some
 * nanoseconds, and whoever wants to know reads the counts.
 */
export class Distribution {
  /** Upper bounds of the ranges, ascending; one more range lies above the last. */
  readonly bounds: readonly number[];
  /** Observations per range: one more than there are bounds. */
  readonly counts: number[];
  /** Sum of all observations. */
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let range = 0;
    while (range < bounds.length && value > (bounds[range] ?? 0)) range += 1;
    this.counts[range] = (this.counts[range] ?? 0) + 1;
    this.sum += value;
  }
}

/** Upper bounds of durations, in seconds: from a fifth of a millisecond to ten seconds. */
export const SECONDS = [
  0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Upper bounds of sizes of groups. */
export const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;
