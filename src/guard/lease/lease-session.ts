import type { LeaseRequest, ReadDecision } from "../../wire/index.ts";
import { readLeaseNews } from "../../wire/lease-reading.ts";
import type { Grant } from "../../wire/lease-reading.ts";
import type { Cancellation } from "../cancellation.ts";
import type { Instant, Timekeeper } from "../clock.ts";
import type { SourcedVerdict } from "../decision-source.ts";
import type { Denied, HeldDevice, RequestNumbers } from "../held-device.ts";
import { inBatches } from "./batches.ts";
import type { LeaseConnection } from "./lease-connection.ts";
import { CheckFrames } from "./check-frames.ts";
import type { OtherWay } from "./check-frames.ts";
import { LeasedDevice } from "./leased-device.ts";
import type { LeaseListener } from "./leased-device.ts";
import { LeaseWaiters } from "./lease-waiters.ts";
import { Stops } from "./stops.ts";

/** Calls `action` after a time, unless the function it returns is called first. */
export type Schedule = (action: () => void, delayMs: number) => () => void;

export interface LeaseSessionOptions {
  readonly numbers: RequestNumbers;
  readonly time: Timekeeper;
  readonly schedule: Schedule;
  readonly readDecision: ReadDecision;
  /** Called when a device is watched and none was. */
  readonly onBusy?: (() => void) | undefined;
  /** Called when the last device is no longer watched. */
  readonly onIdle?: (() => void) | undefined;
  /** Called when the connection seems open and answers nothing. */
  readonly onSilence?: (() => void) | undefined;
}

type Send = (message: LeaseRequest) => void;

/** How often a lease is renewed in its time. */
const RENEWALS_PER_TERM = 3;
const FIRST_RENEWAL_MS = 1000;
const SHORTEST_RENEWAL_MS = 50;
/** Renewals whose answers are still waited for. */
const MAX_UNANSWERED = 100;
/** A renewal has the time to the next one to be answered; a timer may be that much early. */
const PATIENCE = 0.9;
/** No connection is given up sooner, however short a lease is. */
const LEAST_PATIENCE_MS = 250;

/**
 * The leases of one process under one key: asks for them, takes them, gives them
 * up when it is told to, and says so when that has become true. It knows nothing
 * of the network: whoever connects hands it a way to send.
 */
export class LeaseSession {
  readonly id: string = crypto.randomUUID();
  readonly #options: LeaseSessionOptions;
  readonly #known = new WeakMap<HeldDevice, LeasedDevice>();
  readonly #watched = new Map<string, LeasedDevice>();
  readonly #waiters = new LeaseWaiters();
  readonly #checks: CheckFrames;
  readonly #stops: Stops;
  /** When each renewal that has no answer yet was sent. */
  readonly #asked = new Map<number, Instant>();
  /** When the first renewal of this connection was sent that has no answer. */
  #silentSince: Instant | undefined;
  #send: Send | undefined;
  #isLost = false;
  #isSound = true;
  #isRenewalDue = false;
  #renewEveryMs = FIRST_RENEWAL_MS;
  #unschedule: (() => void) | undefined;

  constructor(options: LeaseSessionOptions) {
    this.#options = options;
    const { numbers, time, schedule } = options;
    const send = (message: LeaseRequest): boolean => {
      this.#send?.(message);
      return this.#send !== undefined;
    };
    this.#checks = new CheckFrames({ numbers, time, send });
    const answer = (leased: LeasedDevice, sourced: SourcedVerdict): void => {
      this.#waiters.answer(leased, sourced);
      this.#checks.answer(leased, sourced);
    };
    this.#stops = new Stops({ time, schedule, send, answer });
  }

  get isConnected(): boolean {
    return this.#send !== undefined;
  }

  /** Whether a stop would be obeyed here, as far as was tried. */
  get isSound(): boolean {
    return this.#isSound;
  }

  /** Begins on a new connection, in place of the one before. */
  open(send: Send): LeaseConnection {
    this.#send = send;
    this.#isLost = false;
    this.#silentSince = undefined;
    const [first = [], ...more] = inBatches([...this.#watched.keys()]);
    send({ type: "hello", session: this.id, devices: [...first] });
    for (const devices of more) send({ type: "watch", devices: [...devices] });
    this.#stops.repeat(this.#watched.values());
    if (this.#watched.size > 0) this.#renew();
    this.#notify();
    return {
      // What an older connection still brings is as good: a number is used once, and ages from its sending.
      receive: (frame) => this.#receive(frame),
      lose: () => this.#send === send && this.lose(),
    };
  }

  /** There is no connection, or none could be made. */
  lose(): void {
    this.#send = undefined;
    this.#isLost = true;
    this.#checks.lose();
    this.#waiters.end((leased) => this.#unavailable(leased));
    this.#notify();
  }

  /** Takes what a self-check found. While a stop would not be obeyed, no lease is held. */
  trust(isSound: boolean): void {
    this.#isSound = isSound;
    for (const leased of this.#watched.values()) {
      if (!isSound) this.#distrust(leased);
      for (const listener of leased.listeners) listener.selfChecked(isSound);
    }
    this.#notify();
  }

  #distrust(leased: LeasedDevice): void {
    const sourced = { ...this.#unavailable(leased, "LEASE_EXPIRED"), n: Number.POSITIVE_INFINITY };
    leased.device.discard();
    this.#waiters.answer(leased, sourced);
    this.#checks.answer(leased, sourced);
  }

  /**
   * Holds leases of a device, and tells `listener` about them, until
   * {@link LeaseSession.unwatch} is called with the same listener.
   */
  watch(device: HeldDevice, listener: LeaseListener): LeasedDevice {
    const leased = this.#known.get(device) ?? new LeasedDevice(device, this.#options.time);
    this.#known.set(device, leased);
    leased.listeners.add(listener);
    if (this.#watched.get(device.deviceId) === leased) return leased;
    leased.reset();
    this.#watched.set(device.deviceId, leased);
    this.#send?.({ type: "watch", devices: [device.deviceId] });
    if (this.#watched.size === 1) {
      // Whoever asks now waits for the connection that is about to be made.
      this.#isLost = false;
      this.#options.onBusy?.();
    }
    return leased;
  }

  unwatch({ device, deviceId, listeners }: LeasedDevice, listener: LeaseListener): void {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    this.#watched.delete(deviceId);
    this.#stops.flush();
    const n = this.#options.numbers.next();
    device.discard();
    this.#send?.({ type: "unwatch", n, devices: [deviceId] });
    if (this.#watched.size > 0) return;
    this.#unschedule?.();
    this.#options.onIdle?.();
  }

  /** Asks anew: what it resolves with was asked for after the call. */
  async ask(leased: LeasedDevice, cancellation: Cancellation): Promise<SourcedVerdict> {
    if (this.#isLost || !this.#isSound) return this.#unavailable(leased, "LEASE_EXPIRED");
    const answer = this.#waiters.add(leased, this.#options.numbers.last + 1, cancellation);
    this.#renewSoon();
    return answer;
  }

  /** Asks for a decision that is no lease. */
  check(
    leased: LeasedDevice,
    cancellation: Cancellation,
    otherWay: OtherWay,
  ): Promise<SourcedVerdict> {
    return this.#checks.ask(leased, cancellation, otherWay);
  }

  /** All that want a renewal in this turn share one. */
  #renewSoon(): void {
    if (this.#isRenewalDue) return;
    this.#isRenewalDue = true;
    queueMicrotask(() => {
      if (this.#isRenewalDue) this.#renew();
    });
  }

  #renew(): void {
    this.#isRenewalDue = false;
    const { numbers, time } = this.#options;
    if (this.#send !== undefined) {
      const n = numbers.next();
      const now = time.now();
      this.#asked.set(n, now);
      this.#silentSince ??= now;
      const [oldest] = this.#asked.keys();
      if (this.#asked.size > MAX_UNANSWERED && oldest !== undefined) this.#asked.delete(oldest);
      this.#send({ type: "renew", n });
    }
    this.#scheduleNext();
  }

  /** Wakes up for the next renewal, or sooner when a lease ends. */
  #scheduleNext(): void {
    const { time, schedule } = this.#options;
    this.#unschedule?.();
    const now = time.now();
    const ends = [...this.#watched.values()].map((leased) => leased.leftMs(now));
    const soonest = Math.min(this.#renewEveryMs, ...ends.filter((left) => left > 0));
    // One more where a lease ends, so that it is over when the timer fires.
    const delayMs = soonest < this.#renewEveryMs ? soonest + 1 : soonest;
    this.#unschedule = schedule(() => this.#wake(), delayMs);
  }

  #wake(): void {
    const { time, onSilence } = this.#options;
    const silentMs = this.#silentSince && time.elapsedMs(this.#silentSince, time.now());
    const patienceMs = Math.max(this.#renewEveryMs * PATIENCE, LEAST_PATIENCE_MS);
    if (silentMs !== undefined && silentMs >= patienceMs) onSilence?.();
    this.#renew();
    this.#notify();
  }

  #receive(frame: unknown): void {
    const news = readLeaseNews(frame, this.#options.readDecision);
    if (news === undefined) return;
    if (news.type === "grant") this.#takeGrant(news);
    if (news.type === "decision") {
      const denied = this.#checks.take(news);
      this.#stops.obey(denied, news.version);
      if (denied.length === 0) return;
    }
    if (news.type === "stop") {
      const named = news.devices.map((deviceId) => this.#watched.get(deviceId));
      const leased = named.filter((device) => device !== undefined);
      this.#stops.obey(
        leased.map((device) => [device, news.verdict] as const),
        news.version,
        news.ackAfterMs,
      );
    }
    if (news.type === "allow") this.#renewSoon();
    else this.#notify();
  }

  #takeGrant(grant: Grant): void {
    const sentAt = this.#asked.get(grant.n);
    if (sentAt === undefined) return;
    this.#asked.delete(grant.n);
    this.#silentSince = undefined;
    const denied: (readonly [LeasedDevice, Denied])[] = [];
    for (const leased of this.#watched.values()) {
      const verdict = grant.verdictOn(leased.deviceId);
      if (verdict === undefined) continue;
      if (leased.isVoid(grant.n)) {
        if (this.#waiters.has(leased)) this.#renewSoon();
        continue;
      }
      const sourced = { verdict, sentAt, n: grant.n };
      if (verdict.outcome === "allowed" && this.#isSound) leased.grant(sourced, grant.termMs);
      if (verdict.outcome === "denied") {
        if (leased.isNews(grant)) denied.push([leased, verdict]);
        else leased.device.discard();
      }
      this.#waiters.answer(leased, sourced);
    }
    this.#stops.obey(denied, grant.version);
    this.#renewEveryMs = Math.max(grant.termMs / RENEWALS_PER_TERM, SHORTEST_RENEWAL_MS);
    this.#scheduleNext();
  }

  #unavailable(leased: LeasedDevice, code?: "LEASE_EXPIRED"): SourcedVerdict {
    const verdict = {
      outcome: "unavailable",
      code: code ?? (leased.hadLease ? "LEASE_EXPIRED" : "AUTHORITY_UNREACHABLE"),
      serverCode: undefined,
      requestId: undefined,
    } as const;
    return { verdict, sentAt: this.#options.time.now(), n: this.#options.numbers.last };
  }

  #notify(): void {
    for (const { listeners } of this.#watched.values()) {
      for (const listener of listeners) listener.changed();
    }
  }
}
