import { randomUUID } from "node:crypto";
import type { AuthorityLogger } from "../services.ts";
import type { LeaseMembership } from "../store/lease-store.ts";
import { waitFor } from "./clock.ts";
import type { MonotonicClock } from "./clock.ts";
import { waitUntil } from "./wait-until.ts";

export interface ReplicasOptions {
  /** Undefined where nobody knows which there are. */
  readonly membership: LeaseMembership | undefined;
  readonly clock: MonotonicClock;
  readonly logger: AuthorityLogger;
  /** A process that may have given allows is gone: stops may be fenced sooner. */
  readonly onGone: () => void;
}

/** The processes that may have given allows which are in use: this one, and those before or beside it. */
export class Replicas {
  readonly id = randomUUID();
  readonly #options: ReplicasOptions;
  readonly #ending = new AbortController();
  #hasEntered = false;
  #isAlone = false;

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  /** Enters this process, before it gives its first allow. @throws StoreUnavailableError */
  async enter(): Promise<void> {
    const { membership } = this.#options;
    if (membership === undefined) return;
    await membership.enterReplica(this.id);
    this.#hasEntered = true;
    this.#isAlone = (await membership.replicas()).length === 1;
  }

  /** Whether nobody but this process can know of anyone whom a stop concerns. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** Whether every process has reported a stop; this one has. @throws StoreUnavailableError */
  async haveReported(version: number): Promise<boolean> {
    const { membership } = this.#options;
    if (membership === undefined) return false;
    const rows = await membership.replicas();
    return (
      rows.some(({ id, state }) => id === this.id && state === "in") &&
      rows.every(({ id, reported }) => id === this.id || reported >= version)
    );
  }

  /**
   * Removes processes that ended without doing so themselves, once nothing that
   * they gave can be in use.
   */
  async removeOthers(waitMs: () => Promise<number>): Promise<void> {
    const { membership: store, clock, logger, onGone } = this.#options;
    if (store === undefined || this.#isAlone) return;
    const others = (await store.replicas()).filter(({ id }) => id !== this.id);
    for (const { id } of others) await store.markReplicaOut(id);
    const markedAt = clock();
    const ended = await waitUntil(markedAt + waitFor(await waitMs()), clock, this.#ending.signal);
    if (!ended) return;
    for (const { id } of others) await store.removeReplica(id);
    this.#isAlone = true;
    logger.info({ removed: others.length }, "allows of processes that were killed are over");
    onGone();
  }

  /** @param isClear whether nothing that this process gave is in use */
  async leave(isClear: boolean): Promise<void> {
    this.#ending.abort();
    if (this.#hasEntered && isClear) await this.#options.membership?.removeReplica(this.id);
  }
}
