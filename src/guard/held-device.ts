import { UNNAMED_DENIAL } from "../wire/index.ts";
import type { Verdict } from "../wire/index.ts";
import type { Boundary } from "./boundary.ts";
import type { Latch } from "./latch.ts";

export type Denied = Extract<Verdict, { outcome: "denied" }>;

/** A body of `protect` that has begun and has not settled. */
export interface RunningBody {
  readonly boundary: Boundary;
  readonly latch: Latch;
  /** How many stops the device had had when it began. */
  readonly stops: number;
  /** The last request that had been numbered when it began. */
  readonly since: number;
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
 * What one process knows of one device: the mark below which answers are void,
 * its stops, and what runs. Shared by all guards of the device, so that a stop
 * that reaches one of them reaches all.
 */
export class HeldDevice {
  readonly deviceId: string;
  readonly numbers: RequestNumbers;
  /** Called when a body has settled; who holds leases listens. */
  onSettled: (() => void) | undefined;
  #voidBelow = 0;
  #stops = 0;
  #lastDenial: Denied = { outcome: "denied", code: UNNAMED_DENIAL, requestId: undefined };
  readonly #running = new Set<RunningBody>();
  readonly #watched = new Set<WeakRef<Latch>>();
  readonly #forgotten = new FinalizationRegistry<WeakRef<Latch>>((run) =>
    this.#watched.delete(run),
  );

  constructor(deviceId: string, numbers: RequestNumbers) {
    this.deviceId = deviceId;
    this.numbers = numbers;
  }

  /** How often the device was stopped; a run that began at a smaller count is over. */
  get stops(): number {
    return this.#stops;
  }

  /** What the last stop said. */
  get lastDenial(): Denied {
    return this.#lastDenial;
  }

  /** Bodies that have begun and have not settled. */
  get running(): RunningBody[] {
    return [...this.#running];
  }

  /** Bodies that began before the last stop and have not settled. */
  runningSince(): RunningBody[] {
    return this.running.filter((body) => body.stops < this.#stops);
  }

  isRunning(body: RunningBody): boolean {
    return this.#running.has(body);
  }

  /** Where bodies began that have not settled though their run was stopped. */
  undrained(): Boundary[] {
    const stopped = this.running.filter(({ latch }) => latch.error !== undefined);
    return stopped.map(({ boundary }) => boundary);
  }

  /** Whether an answer to request `n` may not be used any more, whenever it arrived. */
  isVoid(n: number): boolean {
    return n < this.#voidBelow;
  }

  /** Nothing that was asked for before now is good any more, answers under way included. */
  discard(): void {
    this.#voidBelow = this.numbers.last + 1;
  }

  /**
   * From here on no run that has begun passes a check: first half of a stop.
   * {@link HeldDevice.abort} is the other, so that a stop of several devices ends
   * no work before none of them can begin any.
   */
  stop(denial: Denied): void {
    this.discard();
    this.#lastDenial = denial;
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
    const body = { boundary, latch, stops: this.#stops, since: this.numbers.last };
    this.#running.add(body);
    return body;
  }

  end(body: RunningBody): void {
    this.#running.delete(body);
    this.onSettled?.();
  }
}

/** Keeps a run as long as its signal. */
const owners = new WeakMap<AbortSignal, Latch>();
