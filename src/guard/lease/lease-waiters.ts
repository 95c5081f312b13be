import type { Cancellation } from "../cancellation.ts";
import type { SourcedVerdict } from "../decision-source.ts";
import type { LeasedDevice } from "./leased-device.ts";

interface Waiter {
  readonly leased: LeasedDevice;
  /** The smallest request whose answer is for it. */
  readonly from: number;
  readonly resolve: (sourced: SourcedVerdict) => void;
}

/** Checks that wait for a lease. */
export class LeaseWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Waits for the answer to request `from`, or to a later one. */
  add(leased: LeasedDevice, from: number, cancellation: Cancellation): Promise<SourcedVerdict> {
    return new Promise((resolve, reject) => {
      if (cancellation.isCancelled) {
        reject(cancellation.reason);
        return;
      }
      const waiter = { leased, from, resolve };
      this.#waiters.add(waiter);
      cancellation.onCancel((reason) => {
        this.#waiters.delete(waiter);
        reject(reason);
      });
    });
  }

  has(leased: LeasedDevice): boolean {
    return [...this.#waiters].some((waiter) => waiter.leased === leased);
  }

  /** Tells who waited for this answer, or for a later one that it makes needless. */
  answer(leased: LeasedDevice, sourced: SourcedVerdict): void {
    for (const waiter of this.#waiters) {
      if (waiter.leased !== leased || sourced.n < waiter.from) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(sourced);
    }
  }

  /** No answer will come. */
  end(answerOn: (leased: LeasedDevice) => SourcedVerdict): void {
    for (const { leased, resolve } of this.#waiters) resolve(answerOn(leased));
    this.#waiters.clear();
  }
}
