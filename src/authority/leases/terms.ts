import { randomUUID } from "node:crypto";
import type { AuthorityLogger, Services } from "../services.ts";
import { DEFAULT_TERMS } from "../store/lease-store.ts";
import type { LeaseStore, LeaseTerms } from "../store/lease-store.ts";
import { waitFor } from "./clock.ts";
import type { MonotonicClock } from "./clock.ts";
import { waitUntil } from "./wait-until.ts";

export interface TermsOptions {
  readonly store: LeaseStore;
  readonly clock: MonotonicClock;
  readonly now: Services["now"];
  readonly logger: AuthorityLogger;
  readonly validMs: number;
  readonly ttlMs: number | undefined;
}

/** For how long leases are good. The store decides; this sets it, and lowers what stops wait for when that is safe. */
export class Terms {
  readonly #options: TermsOptions;
  readonly #ending = new AbortController();
  /** As they were seen last: to be told of, never to grant on. */
  current: LeaseTerms = DEFAULT_TERMS;

  constructor(options: TermsOptions) {
    this.#options = options;
  }

  /** Sets what the operator wants, if that is not so already. @throws StoreUnavailableError */
  async start(found: LeaseTerms): Promise<void> {
    const { store, validMs, ttlMs = found.ttlMs } = this.#options;
    const isWanted = found.ttlMs === ttlMs && found.waitMs >= validMs;
    this.current = isWanted ? found : await store.setTerms(this.#caller(), { ttlMs, validMs });
    this.#lowerLater(this.current);
  }

  saw(terms: LeaseTerms): void {
    this.current = terms;
  }

  close(): void {
    this.#ending.abort();
  }

  /**
   * What was given under longer terms is over after the old wait: only then may
   * stops wait for less, and only if nobody has changed the terms meanwhile.
   */
  #lowerLater({ ttlMs, waitMs, version }: LeaseTerms): void {
    const { store, clock, logger, validMs } = this.#options;
    const needed = Math.max(ttlMs, validMs);
    if (waitMs <= needed) return;
    const end = clock() + waitFor(waitMs);
    waitUntil(end, clock, this.#ending.signal)
      .then(async (isOver) => {
        if (isOver) this.current = await store.lowerWait(this.#caller(), version, needed);
        return undefined;
      })
      .catch((error: unknown) => {
        // Stops go on to wait longer than they need to; the next start tries again.
        logger.warn({ err: error }, "what stops wait for could not be lowered");
      });
  }

  #caller() {
    return { requestId: randomUUID(), at: this.#options.now() };
  }
}
