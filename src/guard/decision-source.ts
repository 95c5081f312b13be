import type { Verdict } from "../wire/index.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Instant } from "./clock.ts";

/** A verdict, and when the request that brought it was sent. */
export interface SourcedVerdict {
  readonly verdict: Verdict;
  /** Read just before the request left: a decision's age is counted from here. */
  readonly sentAt: Instant;
  readonly cause?: unknown;
}

/**
 * Where a guard gets its decisions from: a request for each check, or a lease.
 *
 * A source never answers a check from a request that was sent before the check
 * was made, except under a lease. It resolves with a verdict, outages included,
 * and rejects only with the reason of `cancellation`.
 */
export interface DecisionSource {
  /** Makes sure that the device is registered, once; a failure is not remembered. */
  register(cancellation: Cancellation): Promise<SourcedVerdict>;
  /** Forgets that the device is registered. */
  forgetRegistration(): void;
  decide(cancellation: Cancellation): Promise<SourcedVerdict>;
}
