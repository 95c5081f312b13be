import type { Verdict } from "../wire/index.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Instant } from "./clock.ts";
import type { GuardStatus } from "./events.ts";

/** A verdict, and when the request that brought it was sent. */
export interface SourcedVerdict {
  readonly verdict: Verdict;
  /** Read just before the request left: a decision's age is counted from here. */
  readonly sentAt: Instant;
  /** Number of that request: an allow is void once its device has discarded it. */
  readonly n: number;
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
  /** What is known at this instant without asking: a lease, or a denial that holds. */
  decideNow?(now: Instant): SourcedVerdict | undefined;
  /** Where the guard stands, if the source knows between checks too. */
  status?(): GuardStatus;
  /** Whether the device is known to be registered. */
  readonly isRegistered: boolean;
  /** Makes sure that the device is registered, once; a failure is not remembered. */
  register(cancellation: Cancellation): Promise<SourcedVerdict>;
  /** Forgets that the device is registered. */
  forgetRegistration(): void;
  /** @param isStrict a lease will not do */
  decide(cancellation: Cancellation, isStrict: boolean): Promise<SourcedVerdict>;
  /** Lets go of what it holds. */
  close?(): void;
}
