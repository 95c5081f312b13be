import type { StopReport, StopReported } from "../store/lease-store.ts";
import { waitFor } from "./clock.ts";
import type { HeldSession } from "./held-session.ts";
import type { Acknowledged, StopHolder } from "./stop-holder.ts";

/** `log`: it names what the change log names; `more`: other devices, too; `unknown`: nobody knows. */
export type StopScope = "log" | "more" | "unknown";

/** What is known of a stop when it is learned of. */
export interface StopTold {
  readonly version: number;
  readonly orgId: string;
  /** undefined: all of the org. */
  readonly deviceIds: ReadonlySet<string> | undefined;
  /** When this process saw it committed, by the monotonic clock. */
  readonly seenAt: number;
  /** What stops wait for, read after that. */
  readonly waitMs: number;
  /** There is no holder whom nobody knows of. */
  readonly knowsAll: boolean;
  /** What the change log names of it: others report on that, and this process for them. */
  readonly scope: StopScope;
  /** Devices with strict allows that nobody acknowledges for. */
  readonly strictDevices: readonly string[];
  /** When the last of those is over. */
  readonly strictUntil: number;
}

export type StopState = "pending" | "fenced" | "drained";

/** A stop, and how far it has come. */
export class StopRecord {
  readonly version: number;
  readonly orgId: string;
  readonly deviceIds: ReadonlySet<string> | undefined;
  readonly strictDevices: readonly string[];
  readonly strictUntil: number;
  /** When it is fenced whoever holds what. */
  readonly timeEnd: number;
  readonly holders = new Map<HeldSession, StopHolder>();
  /** When everything older is over by itself. */
  #clearBy: number;
  readonly scope: StopScope;
  readonly #knowsAll: boolean;
  /** What other processes have said of it. */
  others: StopReported | undefined;
  /** What this process has said of it last. */
  told: "nothing" | "fenced" | "drained" = "nothing";
  #unfenced = 0;
  #undrained = 0;
  isFenced = false;
  /** Other processes that may have given allows are being asked about it. */
  asking: Promise<void> | undefined;
  /** Not all whom it concerns are known. */
  isGathering = true;
  readonly waiters = new Set<() => void>();
  /** The account of the same stop that this one takes the place of, which had fewer devices. */
  before: StopRecord | undefined;

  constructor(told: StopTold) {
    this.version = told.version;
    this.orgId = told.orgId;
    this.deviceIds = told.deviceIds;
    this.strictDevices = told.strictDevices;
    this.strictUntil = told.strictUntil;
    this.#knowsAll = told.knowsAll;
    this.scope = told.scope;
    this.timeEnd = told.seenAt + waitFor(told.waitMs);
    this.#clearBy = told.strictUntil;
  }

  /** @returns whether it was not known before */
  add(holder: StopHolder): boolean {
    if (this.holders.has(holder.session)) return false;
    this.holders.set(holder.session, holder);
    this.#clearBy = Math.max(this.#clearBy, holder.until);
    // Who is connected and holds nothing older has only what runs to say something of.
    if (holder.until > 0) this.#unfenced += 1;
    this.#undrained += 1;
    holder.session.addStop(this);
    return true;
  }

  covers(deviceIds: Iterable<string> | undefined): boolean {
    if (this.deviceIds === undefined) return true;
    if (deviceIds === undefined) return false;
    for (const deviceId of deviceIds) if (!this.deviceIds.has(deviceId)) return false;
    return true;
  }

  /**
   * A session says so of some of its devices.
   *
   * @param at in milliseconds since the epoch
   */
  acknowledge(session: HeldSession, acknowledged: Acknowledged, at: number): void {
    const holder = this.holders.get(session);
    if (holder === undefined) return;
    const { fencedAt, drainedAt } = holder;
    holder.acknowledge(acknowledged, at);
    if (fencedAt === undefined && holder.fencedAt !== undefined && holder.until > 0) {
      this.#unfenced -= 1;
    }
    if (drainedAt === undefined && holder.drainedAt !== undefined) {
      this.#undrained -= 1;
      session.removeStop(this);
    }
  }

  /** Whether no older allow that this process gave is in use. */
  isClear(now: number): boolean {
    return now >= this.#clearBy || (this.#unfenced === 0 && now >= this.strictUntil);
  }

  /** When it is to be looked at again. */
  nextLook(now: number): number {
    const ends = [this.timeEnd, this.#clearBy, this.strictUntil].filter((end) => end > now);
    return Math.min(...ends, this.timeEnd);
  }

  get state(): StopState {
    if (!this.isFenced) return "pending";
    return this.isDrained ? "drained" : "fenced";
  }

  /** What holders of this process ran has ended. What began on a strict allow over HTTP nobody can see end. */
  get isDrainedHere(): boolean {
    const isKnown = this.#knowsAll && !this.isGathering;
    return isKnown && this.#undrained === 0 && this.strictUntil === 0;
  }

  /** What it ran has ended, everywhere. */
  get isDrained(): boolean {
    return this.isFenced && this.isDrainedHere && this.others?.areDrained === true;
  }

  /** How far this process is with it, for the others. */
  get report(): StopReport {
    const holders = this.holders.size + this.strictDevices.length;
    const drained = this.holders.size - this.#undrained;
    return { version: this.version, holders, drained, isDrained: this.isDrainedHere };
  }

  /** Resolves at the next news of it, or when a signal aborts. */
  news(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiters.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.waiters.add(wake);
      signal?.addEventListener("abort", wake);
    });
  }

  wake(): void {
    for (const waiter of this.waiters) waiter();
  }

  /** How many of the holders are where, sessions and those who ask by HTTP. */
  counts(now: number): { holders: number; fenced: number; drained: number } {
    const strict = this.strictDevices.length;
    // Who has reported it has none that is not fenced.
    const { holders: others, drained: drainedOthers } = this.others ?? { holders: 0, drained: 0 };
    const holders = this.holders.size + strict + others;
    const drained = this.holders.size - this.#undrained + drainedOthers;
    if (this.isFenced) return { holders, fenced: holders, drained };
    let fenced = others + (now >= this.strictUntil ? strict : 0);
    for (const holder of this.holders.values()) fenced += Number(holder.isFenced(now));
    return { holders, fenced, drained };
  }

  /** Nobody asks for it any more. */
  forget(): void {
    for (const session of this.holders.keys()) session.removeStop(this);
  }
}
