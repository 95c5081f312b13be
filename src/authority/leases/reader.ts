import type { Services } from "../services.ts";
import type { Caller } from "../store/caller.ts";
import type { DeviceDecided, DevicesDecided, LeaseStore } from "../store/lease-store.ts";
import type { MonotonicClock } from "./clock.ts";
import { MOST_READ_MS } from "./floors.ts";
import type { Floors } from "./floors.ts";

/** What was read for a session: decisions, or that its key is no key any more. */
export type SessionDecided = DevicesDecided | { readonly kind: "unknown_key" };

export interface ReaderOptions {
  readonly store: LeaseStore;
  readonly floors: Floors;
  readonly clock: MonotonicClock;
  readonly now: Services["now"];
}

/** Reads decisions that may still be sent. */
export class Reader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /**
   * Reads, and then lets `use` send and record what was read, in the same step in
   * which it is found to be no older than a stop that was learned of meanwhile.
   *
   * @throws StoreUnavailableError when nothing could be read
   */
  async read(
    asked: {
      readonly keyHash: string;
      readonly requestId: string;
      readonly deviceIds: readonly string[];
    },
    audits: (decided: DeviceDecided) => boolean,
    use: (outcome: SessionDecided, caller: Caller) => void,
  ): Promise<void> {
    const { store, clock, now } = this.#options;
    const { keyHash, requestId, deviceIds } = asked;
    for (;;) {
      const sentAt = clock();
      const caller = { keyHash, requestId, at: now() };
      const outcome = await store.decideAll(caller, deviceIds, audits);
      if (clock() - sentAt > MOST_READ_MS || !this.#isCurrent(outcome)) continue;
      use(outcome, caller);
      return;
    }
  }

  #isCurrent(outcome: SessionDecided): boolean {
    if (outcome.kind === "unknown_key") return true;
    const { orgId, version, decided } = outcome;
    return decided.every(
      ({ code, deviceId }) =>
        code !== "ALLOW" || this.#options.floors.permits(orgId, deviceId, version),
    );
  }
}

/** For how long an allow is good, in milliseconds: its term, and never past the end of key or plan. */
export const termOf = (termMs: number, endsAt: number | null, at: number): number =>
  endsAt === null ? termMs : Math.max(0, Math.min(termMs, endsAt - at));
