import type { LeaseRequest, Verdict } from "../../wire/index.ts";
import type { Grant } from "../../wire/lease-reading.ts";
import type { Cancellation } from "../cancellation.ts";
import type { Instant, Timekeeper } from "../clock.ts";
import type { SourcedVerdict } from "../decision-source.ts";
import type { Denied, RequestNumbers } from "../held-device.ts";
import { MAX_DEVICES_PER_MESSAGE } from "../../wire/lease-limits.ts";
import { inBatches } from "./batches.ts";
import type { LeasedDevice } from "./leased-device.ts";

export interface CheckFramesOptions {
  readonly numbers: RequestNumbers;
  readonly time: Timekeeper;
  /** Sends, or says that there is no connection. */
  readonly send: (message: LeaseRequest) => boolean;
}

interface Waiter {
  readonly resolve: (sourced: SourcedVerdict | Promise<SourcedVerdict>) => void;
  /** Asks another way. */
  readonly otherwise: () => Promise<SourcedVerdict>;
  frame: Frame;
}

/** What one message asks, for the checks that wait for its answer. */
class Frame {
  readonly waiters = new Map<LeasedDevice, Waiter[]>();
  sentAt: Instant | undefined;

  add(leased: LeasedDevice, waiter: Waiter): void {
    waiter.frame = this;
    const others = this.waiters.get(leased);
    if (others === undefined) this.waiters.set(leased, [waiter]);
    else others.push(waiter);
  }

  remove(leased: LeasedDevice, waiter: Waiter): void {
    const all = this.waiters.get(leased) ?? [];
    const place = all.indexOf(waiter);
    if (place >= 0) all.splice(place, 1);
    if (all.length === 0) this.waiters.delete(leased);
  }

  /** Checks of a device, which wait here no longer. */
  take(leased: LeasedDevice): readonly Waiter[] {
    const all = this.waiters.get(leased) ?? [];
    this.waiters.delete(leased);
    return all;
  }

  answer(leased: LeasedDevice, sourced: SourcedVerdict): void {
    for (const { resolve } of this.take(leased)) resolve(sourced);
  }

  /** The connection that was to bring the answer is gone. */
  lose(): void {
    for (const leased of this.waiters.keys()) {
      for (const { resolve, otherwise } of this.take(leased)) resolve(otherwise());
    }
  }
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
  #gathered = new Frame();
  readonly #sent = new Map<number, Frame>();

  constructor(options: CheckFramesOptions) {
    this.#options = options;
  }

  /** @param otherwise asks in another way, when the connection is lost before there is an answer */
  ask(
    leased: LeasedDevice,
    cancellation: Cancellation,
    otherwise: () => Promise<SourcedVerdict>,
  ): Promise<SourcedVerdict> {
    return new Promise((resolve, reject) => {
      if (cancellation.isCancelled) {
        reject(cancellation.reason);
        return;
      }
      const waiter: Waiter = { resolve, otherwise, frame: this.#gathered };
      this.#gather(leased, waiter);
      cancellation.onCancel((reason) => {
        waiter.frame.remove(leased, waiter);
        reject(reason);
      });
    });
  }

  /**
   * Takes the answer to a message, and gives back what it denies. Those checks are
   * answered when the denial is obeyed, and all of the message's are read before.
   */
  take(news: Grant): (readonly [LeasedDevice, Denied])[] {
    const { n } = news;
    const frame = this.#sent.get(n);
    const denied: (readonly [LeasedDevice, Denied])[] = [];
    if (frame?.sentAt === undefined) return denied;
    for (const leased of frame.waiters.keys()) {
      if (leased.isVoid(n)) {
        for (const waiter of frame.take(leased)) this.#gather(leased, waiter);
        continue;
      }
      const verdict = news.verdictOn(leased.deviceId) ?? MALFORMED;
      if (verdict.outcome === "denied") denied.push([leased, verdict]);
      else frame.answer(leased, { verdict, sentAt: frame.sentAt, n });
    }
    if (denied.length === 0) this.#sent.delete(n);
    return denied;
  }

  /** Tells all that wait for a device. */
  answer(leased: LeasedDevice, sourced: SourcedVerdict): void {
    this.#gathered.answer(leased, sourced);
    for (const frame of this.#sent.values()) frame.answer(leased, sourced);
    this.#forgetEmpty();
  }

  /** The connection is gone, and the answers with it. */
  lose(): void {
    const frames = [...this.#sent.values()];
    this.#sent.clear();
    for (const frame of frames) frame.lose();
  }

  #gather(leased: LeasedDevice, waiter: Waiter): void {
    if (this.#gathered.waiters.size === 0) queueMicrotask(() => this.#flush());
    this.#gathered.add(leased, waiter);
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = new Frame();
    this.#forgetEmpty();
    if (gathered.waiters.size === 0) return;
    if (gathered.waiters.size <= MAX_DEVICES_PER_MESSAGE) this.#send(gathered);
    else for (const part of partsOf(gathered)) this.#send(part);
  }

  #send(frame: Frame): void {
    const { numbers, time, send } = this.#options;
    const n = numbers.next();
    const devices = Array.from(frame.waiters.keys(), ({ deviceId }) => deviceId);
    frame.sentAt = time.now();
    this.#sent.set(n, frame);
    if (send({ type: "check", n, devices })) return;
    this.#sent.delete(n);
    frame.lose();
  }

  /** Messages that no check waits for any more. */
  #forgetEmpty(): void {
    for (const [n, { waiters }] of this.#sent) if (waiters.size === 0) this.#sent.delete(n);
  }
}

/** As many frames as it takes to name all devices. */
function* partsOf(frame: Frame): Generator<Frame> {
  for (const some of inBatches([...frame.waiters.keys()])) {
    const part = new Frame();
    for (const leased of some) for (const waiter of frame.take(leased)) part.add(leased, waiter);
    yield part;
  }
}
