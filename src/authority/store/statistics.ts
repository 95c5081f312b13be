import type { Distribution } from "../metrics/distribution.ts";

/** What a store counts of its own work, to be read whenever somebody asks. */
export interface StoreStatistics {
  /** Calls that were committed together. */
  readonly batchSizes: Distribution;
  /** Seconds from the first call of a batch to its commit. */
  readonly commitSeconds: Distribution;
  /** Batches that could not be committed. */
  readonly failures: number;
  /** `performance.now()` of the oldest call that is not durable yet. */
  readonly waitingSince: number | undefined;
}
