import type { Instant, Timekeeper } from "../clock.ts";
import type { Grant } from "../../wire/lease-reading.ts";
import type { SourcedVerdict } from "../decision-source.ts";
import type { Denied, HeldDevice, RunningBody } from "../held-device.ts";

/** Told about the leases of a device. */
export interface LeaseListener {
  changed(): void;
  /** Bodies that go on though they were stopped. */
  undrained(bodies: readonly RunningBody[]): void;
  selfChecked(isSound: boolean): void;
}

interface Lease {
  readonly sourced: SourcedVerdict;
  readonly termMs: number;
}

/** Bodies that are waited for, and what is done then. */
type Drain = readonly [readonly RunningBody[], () => void];

/** A device that is watched: its lease or its denial, and what has been acknowledged of it. */
export class LeasedDevice {
  readonly device: HeldDevice;
  readonly listeners = new Set<LeaseListener>();
  /** The stop that holds, as far as it was acknowledged. */
  acknowledged: { readonly version: number; readonly state: "fenced" | "drained" } | undefined;
  /** A stop may have been missed, since there was no connection. */
  mayLack = false;
  readonly #time: Timekeeper;
  /** The smallest request whose grant counts: what was asked for before was not asked for this device. */
  #from = 0;
  #lease: Lease | undefined;
  /** Holds until a grant that was asked for after it. */
  #denial: SourcedVerdict | undefined;
  #drains: Drain[] = [];

  constructor(device: HeldDevice, time: Timekeeper) {
    this.device = device;
    this.#time = time;
    device.onSettled = () => this.#settleDrains();
  }

  get deviceId(): string {
    return this.device.deviceId;
  }

  get isDenied(): boolean {
    return this.#denial !== undefined;
  }

  /** Whether a lease was held since the device is watched, good or not. */
  get hadLease(): boolean {
    return this.#lease !== undefined;
  }

  /** Begins anew, with no lease and no denial. */
  reset(): void {
    this.#from = this.device.numbers.last + 1;
    this.#lease = undefined;
    this.#denial = undefined;
    this.acknowledged = undefined;
  }

  /** The lease that is good at this instant, or the denial that holds. */
  decision(now: Instant): SourcedVerdict | undefined {
    if (this.#denial !== undefined) return this.#denial;
    return this.leftMs(now) < 0 ? undefined : this.#lease?.sourced;
  }

  /** For how long the lease is good, in milliseconds; below 0 when there is none. */
  leftMs(now: Instant): number {
    const lease = this.#lease;
    if (lease === undefined || this.device.isVoid(lease.sourced.n)) return Number.NEGATIVE_INFINITY;
    return this.#time.leftMs(lease.termMs, lease.sourced.sentAt, now);
  }

  /** Whether the answer to request `n` may not be used for this device. */
  isVoid(n: number): boolean {
    return n < this.#from || this.device.isVoid(n);
  }

  /** Takes a lease, unless it was asked for too early, or a younger one is held. */
  grant(sourced: SourcedVerdict, termMs: number): void {
    if (this.isVoid(sourced.n)) return;
    if (this.#lease !== undefined && this.#lease.sourced.n >= sourced.n) return;
    this.#lease = { sourced, termMs };
    this.#denial = undefined;
    this.acknowledged = undefined;
  }

  /**
   * Whether a denial says more than the one that holds. What was known before is no
   * news: it ends nothing that has begun since on an allow of another kind. What had
   * begun before it was asked for, it ends; and the first after a connection was lost
   * may be the only news of a stop that was missed, which is waited for.
   */
  isNews({ n, version }: Grant): boolean {
    if (!this.isDenied) return true;
    const { running, stops } = this.device;
    const begun = running.filter((body) => body.stops === stops);
    if (begun.length > 0) return begun.some(({ since }) => since < n);
    return this.mayLack && version > (this.acknowledged?.version ?? 0);
  }

  /** From here on no check passes, whoever makes it. */
  deny(verdict: Denied, now: Instant): void {
    this.device.stop(verdict);
    this.mayLack = false;
    this.#denial = { verdict, sentAt: now, n: this.device.numbers.last };
  }

  /** What began before the last stop and has not settled. */
  get undrained(): readonly RunningBody[] {
    return this.device.runningSince();
  }

  /** Calls `done` when everything that began before the last stop has settled. */
  onceDrained(done: () => void): void {
    // Before it is let go of: what is done may have to be told.
    this.#drains.unshift([this.undrained, done]);
    this.#settleDrains();
  }

  /** Calls `done` when everything that runs now has settled; at once where nothing does. */
  onceIdle(done: () => void): void {
    this.#drains.push([this.device.running, done]);
    this.#settleDrains();
  }

  #settleDrains(): void {
    if (this.#drains.length === 0) return;
    const isOver = ([bodies]: Drain): boolean =>
      !bodies.some((body) => this.device.isRunning(body));
    const over = this.#drains.filter(isOver);
    this.#drains = this.#drains.filter((drain) => !over.includes(drain));
    for (const [, done] of over) done();
  }
}
