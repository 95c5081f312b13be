/** What was measured of one contestant. */
export interface Measured {
  readonly name: string;
  readonly values: readonly number[];
  readonly median: number;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share between 0 and 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)];
  const high = sorted[Math.ceil(place)];
  if (low === undefined || high === undefined) throw new RangeError("nothing was measured");
  return low + (high - low) * (place - Math.floor(place));
}

/**
 * Measures contestants in turns, since a machine changes its pace while one
 * measures. Every other round goes backwards, so that none is always first.
 *
 * @param rounds at least five
 * @param measure one measurement of one contestant
 */
export async function interleave<Contestant extends { readonly name: string }>(
  contestants: readonly Contestant[],
  rounds: number,
  measure: (contestant: Contestant) => Promise<number>,
): Promise<Measured[]> {
  const values = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    const order = [...contestants.keys()];
    if (round % 2 === 1) order.reverse();
    for (const place of order) {
      const contestant = contestants[place];
      if (contestant !== undefined) values[place]?.push(await measure(contestant));
    }
  }
  return contestants.map(({ name }, place) => {
    const own = values[place] ?? [];
    return { name, values: own, median: median(own) };
  });
}

/** The ratio of two medians, and how far single rounds strayed from it. */
export function ratioOf(
  measured: Measured,
  base: Measured,
): { readonly ratio: number; readonly lowest: number; readonly highest: number } {
  const perRound = measured.values.map(
    (value, round) => value / (base.values[round] ?? Number.NaN),
  );
  return {
    ratio: measured.median / base.median,
    lowest: Math.min(...perRound),
    highest: Math.max(...perRound),
  };
}
