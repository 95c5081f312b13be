import type { LeaseNews, LeaseRequest, Verdict } from "../../wire/index.ts";
import { readLeaseNews } from "../../wire/index.ts";
import type { Cancellation } from "../cancellation.ts";
import { leftMs } from "../clock.ts";
import type { Instant, Timekeeper } from "../clock.ts";
import type { SourcedVerdict } from "../decision-source.ts";
import type { HeldDevice, RequestNumbers } from "../held-device.ts";

/** Calls `action` after a time, unless the function it returns is called first. */
export type Schedule = (action: () => void, delayMs: number) => () => void;

export interface LeaseSessionOptions {
  readonly numbers: RequestNumbers;
  readonly time: Timekeeper;
  readonly schedule: Schedule;
  /** Called when a device is watched and none was. */
  readonly onBusy?: (() => void) | undefined;
  /** Called when the last device is no longer watched. */
  readonly onIdle?: (() => void) | undefined;
}

/** One open connection of a session, as the session sees it. */
export interface LeaseConnection {
  /** A frame arrived. */
  receive(frame: unknown): void;
  /** The connection is gone. Leases live on, until their time is over. */
  lose(): void;
}

interface Waiter {
  readonly device: HeldDevice;
  /** The smallest request whose answer is for it. */
  readonly from: number;
  readonly resolve: (sourced: SourcedVerdict) => void;
}

interface Watched {
  readonly device: HeldDevice;
  readonly listeners: Set<() => void>;
}

type Grant = Extract<LeaseNews, { type: "grant" | "decision" }>;
type Stop = Extract<LeaseNews, { type: "stop" }>;
type Send = (message: LeaseRequest) => void;

/** How often a lease is renewed in its time. */
const RENEWALS_PER_TERM = 3;
const FIRST_RENEWAL_MS = 1000;
const SHORTEST_RENEWAL_MS = 50;
/** Renewals whose answers are still waited for. */
const MAX_UNANSWERED = 100;

/**
 * The leases of one process under one key: asks for them, takes them, gives them
 * up when it is told to, and says so when that has become true. It knows nothing
 * of the network: whoever connects hands it a way to send.
 */
export class LeaseSession {
  readonly id: string = crypto.randomUUID();
  readonly #options: LeaseSessionOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #waiters = new Set<Waiter>();
  /** When each renewal that has no answer yet was sent. */
  readonly #asked = new Map<number, Instant>();
  #send: Send | undefined;
  #isLost = false;
  #isRenewalDue = false;
  #renewEveryMs = FIRST_RENEWAL_MS;
  #unschedule: (() => void) | undefined;

  constructor(options: LeaseSessionOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#send !== undefined;
  }

  /** Begins on a new connection, in place of the one before. */
  open(send: Send): LeaseConnection {
    this.#send = send;
    this.#isLost = false;
    send({ type: "hello", session: this.id, devices: [...this.#watched.keys()] });
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
    for (const { device, resolve } of this.#waiters) {
      resolve(
        this.#unavailable(device.lease === undefined ? "AUTHORITY_UNREACHABLE" : "LEASE_EXPIRED"),
      );
    }
    this.#waiters.clear();
    this.#notify();
  }

  /**
   * Holds leases of a device, and calls `listener` when something about them has
   * changed, until the function it returns is called.
   */
  watch(device: HeldDevice, listener: () => void): () => void {
    const known = this.#watched.get(device.deviceId);
    const watched = known ?? { device, listeners: new Set() };
    watched.listeners.add(listener);
    if (known === undefined) {
      this.#watched.set(device.deviceId, watched);
      this.#send?.({ type: "watch", devices: [device.deviceId] });
      if (this.#watched.size === 1) {
        // Whoever asks now waits for the connection that is about to be made.
        this.#isLost = false;
        this.#options.onBusy?.();
      }
    }
    return () => {
      if (!watched.listeners.delete(listener) || watched.listeners.size > 0) return;
      this.#watched.delete(device.deviceId);
      const n = this.#options.numbers.next();
      device.discard();
      this.#send?.({ type: "unwatch", n, devices: [device.deviceId] });
      if (this.#watched.size > 0) return;
      this.#unschedule?.();
      this.#options.onIdle?.();
    };
  }

  /** Asks anew: what it resolves with was asked for after the call. */
  ask(device: HeldDevice, cancellation: Cancellation): Promise<SourcedVerdict> {
    return new Promise((resolve, reject) => {
      if (cancellation.isCancelled) {
        reject(cancellation.reason);
        return;
      }
      if (this.#isLost) {
        resolve(this.#unavailable("LEASE_EXPIRED"));
        return;
      }
      const waiter = { device, from: this.#options.numbers.last + 1, resolve };
      this.#waiters.add(waiter);
      cancellation.onCancel((reason) => {
        this.#waiters.delete(waiter);
        reject(reason);
      });
      this.#renewSoon();
    });
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
      this.#asked.set(n, time.now());
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
    const ends = [...this.#watched.values()]
      .map(({ device: { lease } }) =>
        lease === undefined ? 0 : leftMs(lease.termMs, lease.sourced.sentAt, now),
      )
      .filter((left) => left >= 0 && left < this.#renewEveryMs);
    const isSooner = ends.length > 0 && Math.min(...ends) > 0;
    // One more, so that the lease is over when the timer fires.
    const delayMs = isSooner ? Math.min(...ends) + 1 : this.#renewEveryMs;
    this.#unschedule = schedule(() => {
      this.#renew();
      this.#notify();
    }, delayMs);
  }

  #receive(frame: unknown): void {
    const news = readLeaseNews(frame);
    if (news === undefined) return;
    if (news.type === "grant") this.#takeGrant(news);
    if (news.type === "stop") this.#takeStop(news);
    if (news.type === "allow") this.#renewSoon();
  }

  #takeGrant(grant: Grant): void {
    const sentAt = this.#asked.get(grant.n);
    if (sentAt === undefined) return;
    this.#asked.delete(grant.n);
    const denied: [HeldDevice, Extract<Verdict, { outcome: "denied" }>][] = [];
    for (const { device } of this.#watched.values()) {
      const verdict = grant.verdictOn(device.deviceId);
      if (verdict === undefined) continue;
      if (device.isVoid(grant.n)) {
        if (this.#hasWaiter(device)) this.#renewSoon();
        continue;
      }
      const sourced = { verdict, sentAt, n: grant.n };
      if (verdict.outcome === "allowed") device.grant(sourced, grant.termMs);
      if (verdict.outcome === "denied") {
        // What was known before is no news: it ends nothing that has begun since.
        if (device.isDenied) device.discard();
        else denied.push([device, verdict]);
      }
      this.#answer(device, sourced);
    }
    this.#stop(denied, grant.version);
    this.#renewEveryMs = Math.max(grant.termMs / RENEWALS_PER_TERM, SHORTEST_RENEWAL_MS);
    this.#scheduleNext();
    this.#notify();
  }

  #takeStop({ devices, version, verdict }: Stop): void {
    const named = devices
      .map((deviceId) => this.#watched.get(deviceId)?.device)
      .filter((device) => device !== undefined);
    this.#stop(
      named.map((device) => [device, verdict]),
      version,
    );
    this.#notify();
  }

  /**
   * First no check of any of the devices passes; then what runs is aborted; then,
   * since it is true, fenced is acknowledged; and drained when all has settled.
   */
  #stop(
    denied: readonly [HeldDevice, Extract<Verdict, { outcome: "denied" }>][],
    version: number,
  ): void {
    if (denied.length === 0) return;
    const now = this.#options.time.now();
    for (const [device, verdict] of denied) device.deny(verdict, now);
    for (const [device, verdict] of denied) {
      this.#answer(device, { verdict, sentAt: now, n: Number.POSITIVE_INFINITY });
    }
    for (const [device] of denied) device.abort();
    const devices = denied.map(([{ deviceId }]) => deviceId);
    this.#send?.({ type: "ack", version, devices, state: "fenced" });
    void Promise.all(denied.map(([device]) => device.drained())).then(() =>
      this.#send?.({ type: "ack", version, devices, state: "drained" }),
    );
  }

  /** Tells who waited for this answer, or for a later one that it makes needless. */
  #answer(device: HeldDevice, sourced: SourcedVerdict): void {
    for (const waiter of this.#waiters) {
      if (waiter.device !== device || sourced.n < waiter.from) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(sourced);
    }
  }

  #hasWaiter(device: HeldDevice): boolean {
    return [...this.#waiters].some((waiter) => waiter.device === device);
  }

  #unavailable(code: "AUTHORITY_UNREACHABLE" | "LEASE_EXPIRED"): SourcedVerdict {
    const verdict = {
      outcome: "unavailable",
      code,
      serverCode: undefined,
      requestId: undefined,
    } as const;
    return { verdict, sentAt: this.#options.time.now(), n: this.#options.numbers.last };
  }

  #notify(): void {
    for (const { listeners } of this.#watched.values()) {
      for (const listener of listeners) listener();
    }
  }
}
