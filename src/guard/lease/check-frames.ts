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

/** How a check is asked about when the channel does not answer. */
export interface OtherWay {
  /** For how long the channel is waited for, in milliseconds. */
  readonly patienceMs: number;
  /** Asks another way. */
  readonly otherwise: () => Promise<SourcedVerdict>;
}

interface Waiter {
  readonly resolve: (sourced: SourcedVerdict | Promise<SourcedVerdict>) => void;
  readonly otherwise: OtherWay["otherwise"];
  /** Until when it waits for the channel, by the monotonic clock. */
  readonly until: number;
  frame: Frame;
}

/** What one message asks, for the checks that wait for its answer. */
class Frame {
  readonly waiters = new Map<LeasedDevice, Waiter[]>();
  sentAt: Instant | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Until when the least patient waits. */
  until = Number.POSITIVE_INFINITY;

  add(leased: LeasedDevice, waiter: Waiter): void {
    waiter.frame = this;
    this.until = Math.min(this.until, waiter.until);
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

  /** The connection that was to bring the answer is gone, or seems to be. */
  lose(): void {
    clearTimeout(this.timer);
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

  /** Asks, and in the other way when the connection brings no answer in time, or is lost before. */
  ask(
    leased: LeasedDevice,
    cancellation: Cancellation,
    { patienceMs, otherwise }: OtherWay,
  ): Promise<SourcedVerdict> {
    return new Promise((resolve, reject) => {
      if (cancellation.isCancelled) {
        reject(cancellation.reason);
        return;
      }
      const until = this.#options.time.now().monotonicMs + patienceMs;
      const waiter: Waiter = { resolve, until, otherwise, frame: this.#gathered };
      this.#gather(leased, waiter);
      cancellation.onCancel((reason) => {
        waiter.frame.remove(leased, waiter);
        this.#forgetEmpty();
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
    this.#forgetEmpty();
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
    const now = time.now();
    frame.sentAt = now;
    this.#sent.set(n, frame);
    const lose = (): void => {
      this.#sent.delete(n);
      frame.lose();
    };
    frame.timer = setTimeout(lose, Math.max(0, frame.until - now.monotonicMs));
    if (!send({ type: "check", n, devices })) lose();
  }

  /** Messages that no check waits for any more. */
  #forgetEmpty(): void {
    for (const [n, { waiters, timer }] of this.#sent) {
      if (waiters.size > 0) continue;
      clearTimeout(timer);
      this.#sent.delete(n);
    }
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
