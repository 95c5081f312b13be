/** What was measured several times, in milliseconds. */
export interface Summary {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** @param samples at least one */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  // The nearest rank: a value that was measured.
  const at = (share: number): number =>
    sorted[Math.max(Math.ceil(share * sorted.length), 1) - 1] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] as const;
const WIDTH = 40;

/** A bar for each range in which something was measured, and those between. */
export function histogram(samples: readonly number[]): readonly string[] {
  const counts = Array.from({ length: BOUNDS_MS.length + 1 }, () => 0);
  for (const sample of samples) {
    const found = BOUNDS_MS.findIndex((bound) => sample <= bound);
    const index = found === -1 ? BOUNDS_MS.length : found;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const most = Math.max(...counts, 1);
  const first = counts.findIndex((count) => count > 0);
  const last = counts.findLastIndex((count) => count > 0);
  return counts.slice(first, last + 1).map((count, offset) => {
    const bound = BOUNDS_MS[first + offset];
    const label = bound === undefined ? `> ${BOUNDS_MS.at(-1)} ms` : `≤ ${bound} ms`;
    const bar = "█".repeat(Math.ceil((count / most) * WIDTH));
    return `${label.padStart(10)}  ${bar.padEnd(WIDTH)}  ${count}`;
  });
}
