import { Failure } from "../failure.ts";
import { addressOf } from "./address.ts";
import type { Connected } from "./address.ts";
import { RateLimiter } from "./rate-limiter.ts";
import type { RateLimit } from "./rate-limiter.ts";
import { RecentMap } from "./recent-map.ts";

/** What is answered with 429 when it is passed. Each process counts for itself. */
export interface Limits {
  /** Requests with one key. @default 5_000 a second, 10_000 at once */
  readonly perKey: RateLimit;
  /** Validations with all keys of one org. @default 10_000 a second, 20_000 at once */
  readonly perOrg: RateLimit;
  /** Requests of one address that bring no key which was accepted lately. @default 200 a second, 1_000 at once */
  readonly perAddress: RateLimit;
  /** Requests of one address with a wrong key. @default 1 a second, 50 at once */
  readonly failuresPerAddress: RateLimit;
  /** Requests with one key for what it may not do. @default 1 a second, 50 at once */
  readonly failuresPerKey: RateLimit;
}

export const DEFAULT_LIMITS: Limits = {
  perKey: { perSecond: 5_000, burst: 10_000 },
  perOrg: { perSecond: 10_000, burst: 20_000 },
  perAddress: { perSecond: 200, burst: 1_000 },
  failuresPerAddress: { perSecond: 1, burst: 50 },
  failuresPerKey: { perSecond: 1, burst: 50 },
};

/** Keys that are remembered as good. */
const MOST_KEYS = 100_000;

/** How a gatekeeper is made. */
export interface GatekeeperOptions {
  readonly limits: Limits;
  /** How many proxies stand in front. */
  readonly proxies: number;
  /** A monotonic clock in milliseconds. */
  readonly clock: () => number;
}

/**
 * Turns away who asks too often, before anything is looked up for them.
 *
 * A key that was accepted lately answers for itself, so that a neighbour behind
 * the same address who guesses, or has a wrong key, does not keep it from
 * working. Every other request counts for its address; once that has failed too
 * often, no further key is tried, right or wrong.
 */
export class Gatekeeper {
  readonly #proxies: number;
  readonly #perKey: RateLimiter;
  readonly #perOrg: RateLimiter;
  readonly #perAddress: RateLimiter;
  readonly #failuresPerAddress: RateLimiter;
  readonly #failuresPerKey: RateLimiter;
  /** Hashes of keys that were accepted lately, with the org they are of when that is known. */
  readonly #good = new RecentMap<string>(MOST_KEYS);

  constructor({ limits, proxies, clock }: GatekeeperOptions) {
    this.#proxies = proxies;
    this.#perKey = new RateLimiter(limits.perKey, clock);
    this.#perOrg = new RateLimiter(limits.perOrg, clock);
    this.#perAddress = new RateLimiter(limits.perAddress, clock);
    this.#failuresPerAddress = new RateLimiter(limits.failuresPerAddress, clock);
    this.#failuresPerKey = new RateLimiter(limits.failuresPerKey, clock);
  }

  /**
   * Lets a request pass, or not.
   *
   * @param keyHash undefined when it brings nothing that has the form of a key
   * @throws Failure TOO_MANY_REQUESTS
   */
  enter(request: Connected, keyHash: string | undefined): void {
    const orgId = keyHash === undefined ? undefined : this.#good.get(keyHash);
    if (keyHash === undefined || orgId === undefined) {
      const address = addressOf(request, this.#proxies);
      refuseIf(this.#failuresPerAddress.waitOf(address));
      refuseIf(this.#perAddress.take(address));
      return;
    }
    refuseIf(this.#failuresPerKey.waitOf(keyHash));
    refuseIf(this.#perKey.take(keyHash));
  }

  /**
   * Lets a validation of someone who was let in pass, or not. Nothing else counts
   * for an org, so that agents which ask too often do not keep it from stopping them.
   *
   * @throws Failure TOO_MANY_REQUESTS
   */
  enterValidation(keyHash: string): void {
    const orgId = this.#good.get(keyHash) ?? "";
    if (orgId !== "") refuseIf(this.#perOrg.take(orgId));
  }

  /**
   * After how many milliseconds a message of someone who was let in may be worked
   * on; 0 counts it.
   *
   * @param isCheck it asks for a decision, as a validation does
   */
  waitOfFrame(keyHash: string, isCheck: boolean): number {
    const orgId = this.#good.get(keyHash) ?? "";
    const orgWaitMs = isCheck && orgId !== "" ? this.#perOrg.waitOf(orgId) : 0;
    const waitMs = orgWaitMs > 0 ? orgWaitMs : this.#perKey.take(keyHash);
    if (waitMs === 0 && isCheck && orgId !== "") this.#perOrg.take(orgId);
    return waitMs;
  }

  /** The store knew the key. @param orgId when it said of which org */
  accept(keyHash: string, orgId = ""): void {
    const known = this.#good.get(keyHash);
    if (known === undefined || (known === "" && orgId !== "")) this.#good.set(keyHash, orgId);
  }

  /** There was no key, or the store did not know it. */
  reject(request: Connected, keyHash: string | undefined): void {
    if (keyHash !== undefined) this.#good.delete(keyHash);
    this.#failuresPerAddress.take(addressOf(request, this.#proxies));
  }

  /** The store knew the key, which may not do what it asked for. */
  forbid(keyHash: string): void {
    this.accept(keyHash);
    this.#failuresPerKey.take(keyHash);
  }
}

function refuseIf(waitMs: number): void {
  if (waitMs > 0) throw new Failure("TOO_MANY_REQUESTS", undefined, waitMs);
}
