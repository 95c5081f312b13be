import type { LeaseRequest, Verdict } from "../../wire/index.ts";
import type { Grant } from "../../wire/lease-reading.ts";
import type { Cancellation } from "../cancellation.ts";
import type { Instant, Timekeeper } from "../clock.ts";
import type { SourcedVerdict } from "../decision-source.ts";
import type { Denied, RequestNumbers } from "../held-device.ts";
import { inBatches } from "./batches.ts";
import type { LeasedDevice } from "./leased-device.ts";

export interface CheckFramesOptions {
  readonly numbers: RequestNumbers;
  readonly time: Timekeeper;
  /** Sends, or says that there is no connection. */
  readonly send: (message: LeaseRequest) => boolean;
}

interface Waiter {
  readonly leased: LeasedDevice;
  readonly resolve: (sourced: SourcedVerdict | undefined) => void;
  /** The waiters that it is among. */
  among: Set<Waiter>;
}

interface Frame {
  readonly sentAt: Instant;
  readonly waiters: Set<Waiter>;
}

const MALFORMED: Verdict = {
  outcome: "unavailable",
  code: "AUTHORITY_MALFORMED",
  serverCode: undefined,
  requestId: undefined,
};

/**
 * Strict checks over the channel. Those that wait in the same turn go in one
 * message; a check that began after a message was sent is not answered by it.
 */
export class CheckFrames {
  readonly #options: CheckFramesOptions;
  #gathered = new Set<Waiter>();
  readonly #sent = new Map<number, Frame>();

  constructor(options: CheckFramesOptions) {
    this.#options = options;
  }

  /** Resolves with undefined when the connection was lost, so that it has to be asked another way. */
  ask(leased: LeasedDevice, cancellation: Cancellation): Promise<SourcedVerdict | undefined> {
    return new Promise((resolve, reject) => {
      if (cancellation.isCancelled) {
        reject(cancellation.reason);
        return;
      }
      const waiter: Waiter = { leased, resolve, among: this.#gathered };
      this.#gather(waiter);
      cancellation.onCancel((reason) => {
        waiter.among.delete(waiter);
        reject(reason);
      });
    });
  }

  /** Takes the answer to a message, and gives back what it denies. */
  take(news: Grant): (readonly [LeasedDevice, Denied])[] {
    const frame = this.#sent.get(news.n);
    this.#sent.delete(news.n);
    const denied = new Map<LeasedDevice, Denied>();
    for (const waiter of frame?.waiters ?? []) {
      const { leased, resolve } = waiter;
      if (leased.isVoid(news.n)) {
        this.#gather(waiter);
        continue;
      }
      const verdict = news.verdictOn(leased.deviceId) ?? MALFORMED;
      if (verdict.outcome === "denied") denied.set(leased, verdict);
      // All of the frame's are read before a denial is obeyed, which answers those that wait.
      else resolve({ verdict, sentAt: (frame as Frame).sentAt, n: news.n });
    }
    return [...denied];
  }

  /** Tells all that wait for a device. */
  answer(leased: LeasedDevice, sourced: SourcedVerdict | undefined): void {
    for (const waiters of [this.#gathered, ...[...this.#sent.values()].map((f) => f.waiters)]) {
      for (const waiter of waiters) {
        if (waiter.leased !== leased) continue;
        waiters.delete(waiter);
        waiter.resolve(sourced);
      }
    }
  }

  /** The connection is gone, and the answers with it. */
  lose(): void {
    const frames = [...this.#sent.values()];
    this.#sent.clear();
    for (const { waiters } of frames) for (const { resolve } of waiters) resolve(undefined);
  }

  #gather(waiter: Waiter): void {
    if (this.#gathered.size === 0) queueMicrotask(() => this.#flush());
    waiter.among = this.#gathered;
    this.#gathered.add(waiter);
  }

  #flush(): void {
    const waiters = this.#gathered;
    if (waiters.size === 0) return;
    this.#gathered = new Set();
    const byDevice = Map.groupBy(waiters, ({ leased }) => leased);
    for (const some of inBatches([...byDevice])) this.#send(some);
  }

  #send(batch: readonly (readonly [LeasedDevice, Waiter[]])[]): void {
    const { numbers, time, send } = this.#options;
    const waiters = new Set(batch.flatMap(([, waiting]) => waiting));
    for (const waiter of waiters) waiter.among = waiters;
    const n = numbers.next();
    this.#forgetAbandoned();
    this.#sent.set(n, { sentAt: time.now(), waiters });
    const devices = batch.map(([{ deviceId }]) => deviceId);
    if (send({ type: "check", n, devices })) return;
    this.#sent.delete(n);
    for (const { resolve } of waiters) resolve(undefined);
  }

  /** Messages whose waiters have all left, before they were answered. */
  #forgetAbandoned(): void {
    for (const [n, { waiters }] of this.#sent) if (waiters.size === 0) this.#sent.delete(n);
  }
}
