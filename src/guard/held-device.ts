import { UNNAMED_DENIAL } from "../wire/index.ts";
import type { Verdict } from "../wire/index.ts";
import type { Boundary } from "./boundary.ts";
import { isWithin } from "./clock.ts";
import type { Instant } from "./clock.ts";
import type { SourcedVerdict } from "./decision-source.ts";
import type { Latch } from "./latch.ts";

export type Denied = Extract<Verdict, { outcome: "denied" }>;

/** A body of `protect` that has begun and has not settled. */
export interface RunningBody {
  readonly boundary: Boundary;
  readonly latch: Latch;
  /** How many stops the device had had when it began. */
  readonly stops: number;
}

interface Lease {
  readonly sourced: SourcedVerdict;
  readonly termMs: number;
}

interface Drain {
  readonly stops: number;
  readonly done: () => void;
}

/** Numbers the requests of one process under one key: they grow, and none is used twice. */
export class RequestNumbers {
  #last = 0;

  get last(): number {
    return this.#last;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/**
 * What one process holds under one device: its lease, the mark below which
 * answers are void, and what runs. Shared by all guards of the device, so that a
 * stop that reaches one of them reaches all.
 */
export class HeldDevice {
  readonly deviceId: string;
  readonly #numbers: RequestNumbers;
  #voidBelow = 0;
  #stops = 0;
  /** Holds until a grant that was asked for after it. */
  #denial: SourcedVerdict | undefined;
  #lastDenial: Denied = { outcome: "denied", code: UNNAMED_DENIAL, requestId: undefined };
  #lease: Lease | undefined;
  readonly #running = new Set<RunningBody>();
  readonly #watched = new Set<WeakRef<Latch>>();
  readonly #forgotten = new FinalizationRegistry<WeakRef<Latch>>((run) =>
    this.#watched.delete(run),
  );
  #drains: Drain[] = [];

  constructor(deviceId: string, numbers: RequestNumbers) {
    this.deviceId = deviceId;
    this.#numbers = numbers;
  }

  /** How often the device was stopped; a run that began at a smaller count is over. */
  get stops(): number {
    return this.#stops;
  }

  get isDenied(): boolean {
    return this.#denial !== undefined;
  }

  /** What the last stop said. */
  get lastDenial(): Denied {
    return this.#lastDenial;
  }

  /** Number for a request that is about to be sent. */
  nextNumber(): number {
    return this.#numbers.next();
  }

  /** Where bodies began that have not settled though their run was stopped. */
  undrained(): Boundary[] {
    const stopped = [...this.#running].filter(({ latch }) => latch.error !== undefined);
    return stopped.map(({ boundary }) => boundary);
  }

  /** Whether an answer to request `n` may not be used any more, whenever it arrived. */
  isVoid(n: number): boolean {
    return n < this.#voidBelow;
  }

  /** Nothing that was asked for before now is good any more, answers under way included. */
  discard(): void {
    this.#lease = undefined;
    this.#voidBelow = this.#numbers.last + 1;
  }

  /** The lease that is good at this instant, or the denial that holds. */
  decision(now: Instant): SourcedVerdict | undefined {
    if (this.#denial !== undefined) return this.#denial;
    const lease = this.#lease;
    if (lease === undefined || !isWithin(lease.termMs, lease.sourced.sentAt, now)) return undefined;
    return lease.sourced;
  }

  /** Takes a lease, unless it was asked for too early, or a younger one is held. */
  grant(sourced: SourcedVerdict, termMs: number): void {
    if (this.isVoid(sourced.n)) return;
    if (this.#lease !== undefined && this.#lease.sourced.n >= sourced.n) return;
    this.#lease = { sourced, termMs };
    this.#denial = undefined;
  }

  /** The lease that is held, good or not. */
  get lease(): Lease | undefined {
    return this.#lease;
  }

  /**
   * From here on no check passes: first half of a stop. {@link HeldDevice.abort}
   * is the other, so that a stop of several devices ends no work before none of
   * them can begin any.
   */
  deny(verdict: Denied, now: Instant): void {
    this.discard();
    this.#denial = { verdict, sentAt: now, n: this.#numbers.last };
    this.#lastDenial = verdict;
    this.#stops += 1;
  }

  /** Stops every run that can be reached, and aborts its signal with the denial. */
  abort(): void {
    for (const { latch } of this.#running) this.#abortRun(latch);
    for (const run of this.#watched) this.#abortRun(run.deref());
  }

  /** A run that began after the last stop is left alone: a listener may have begun it just now. */
  #abortRun(latch: Latch | undefined): void {
    if (latch !== undefined && latch.stops < this.#stops) latch.deny(this.#lastDenial);
  }

  /**
   * Stops this run together with the device. It is held as long as the run or
   * its signal is; whoever has neither cannot notice a stop.
   */
  follow(latch: Latch, signal: AbortSignal): void {
    const run = new WeakRef(latch);
    this.#watched.add(run);
    this.#forgotten.register(latch, run);
    owners.set(signal, latch);
  }

  begin(boundary: Boundary, latch: Latch): RunningBody {
    const body = { boundary, latch, stops: this.#stops };
    this.#running.add(body);
    return body;
  }

  end(body: RunningBody): void {
    this.#running.delete(body);
    if (this.#drains.length > 0) this.#settleDrains();
  }

  /** Resolves when everything that began before the last stop has settled. */
  drained(): Promise<void> {
    return new Promise((done) => {
      this.#drains.push({ stops: this.#stops, done });
      this.#settleDrains();
    });
  }

  #settleDrains(): void {
    const oldest = Math.min(...[...this.#running].map(({ stops }) => stops));
    for (const { stops, done } of this.#drains) if (oldest >= stops) done();
    this.#drains = this.#drains.filter(({ stops }) => oldest < stops);
  }
}

/** Keeps a run as long as its signal. */
const owners = new WeakMap<AbortSignal, Latch>();
