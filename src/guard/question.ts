import type { Boundary } from "./boundary.ts";
import type { Instant } from "./clock.ts";
import type { Allowed } from "./decision.ts";
import type { Latch } from "./latch.ts";

/** An allow that may be used, while it is fresh, for one beginning of work. */
export interface Pass {
  readonly verdict: Allowed;
  /** When the check began. */
  readonly askedAt: Instant;
  /** When the request that brought the allow was sent. */
  readonly sentAt: Instant;
  /** Number of that request. */
  readonly n: number;
}

/** What one check is about. */
export interface Question {
  readonly latch: Latch;
  readonly boundary: Boundary;
  /** Signals of the caller's. */
  readonly signals: readonly AbortSignal[];
  /** Whether the authority has to be asked, lease or not. */
  readonly isStrict: boolean;
}
