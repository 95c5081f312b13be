import { Distribution, SECONDS, SIZES } from "../../metrics/distribution.ts";
import type { StoreStatistics } from "../statistics.ts";

/** A batch whose calls are not answered yet. */
export interface OpenBatch {
  /** `performance.now()` of its first call. */
  readonly since: number;
}

/** What a replica counts of its batches, of decisions and of changes. */
export class BatchStatistics implements StoreStatistics {
  readonly batchSizes = new Distribution(SIZES);
  readonly commitSeconds = new Distribution(SECONDS);
  readonly #open = new Set<OpenBatch>();
  #failures = 0;

  get failures(): number {
    return this.#failures;
  }

  get waitingSince(): number | undefined {
    let oldest: number | undefined;
    for (const { since } of this.#open) if (oldest === undefined || since < oldest) oldest = since;
    return oldest;
  }

  /** Somebody waits, and nobody did. @param since of a batch that became too large for one */
  begin(since: number = performance.now()): OpenBatch {
    const batch = { since };
    this.#open.add(batch);
    return batch;
  }

  /** The calls of a batch are answered. @param size how many they were */
  committed(batch: OpenBatch, size: number): void {
    this.#open.delete(batch);
    this.batchSizes.observe(size);
    this.commitSeconds.observe((performance.now() - batch.since) / 1000);
  }

  /** What the calls of a batch asked for was not done in time, or nobody knows. */
  failed(batch: OpenBatch): void {
    this.#open.delete(batch);
    this.#failures += 1;
  }
}
