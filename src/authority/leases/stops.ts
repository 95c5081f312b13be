import type { Replicas } from "./replicas.ts";
import type { MonotonicClock } from "./clock.ts";
import type { HeldSession } from "./held-session.ts";
import type { HeldSessions } from "./held-sessions.ts";
import { StopRecord } from "./stop-record.ts";
import type { StopHolder, StopState } from "./stop-record.ts";
import type { StrictAllows } from "./strict-allows.ts";

/** What was stopped. */
export interface StopOf {
  readonly version: number;
  readonly orgId: string;
  /** undefined: all of the org. */
  readonly deviceIds: readonly string[] | undefined;
}

export interface StopsOptions {
  readonly clock: MonotonicClock;
  readonly now: () => number;
  readonly sessions: HeldSessions;
  readonly strict: StrictAllows;
  readonly replicas: Pick<Replicas, "haveReported" | "isAlone">;
}

const MOST_RECORDS = 1_000;
const MOST_HOLDERS = 200_000;
const ASK_AGAIN_MS = 100;
const MOST_TIMEOUT_MS = 2 ** 30;

/** Stops that were learned of lately, and how far each has come. */
export class Stops {
  readonly #options: StopsOptions;
  readonly #records = new Map<number, StopRecord>();
  readonly #timers = new Map<StopRecord, NodeJS.Timeout>();
  #holders = 0;
  #isClosed = false;

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  /** How many are not fenced yet. */
  get pending(): number {
    return this.#timers.size;
  }

  get(version: number): StopRecord | undefined {
    return this.#records.get(version);
  }

  /**
   * Keeps account of a stop from now on.
   *
   * @param waitMs what stops wait for, read after the stop was seen committed
   * @param gathered whom it concerns, when that is being found out one by one; it is answered by time
   *   alone until {@link Stops.gathered}. @default whoever was given older allows, or watches
   */
  begin(stop: StopOf, waitMs: number, gathered?: readonly StopHolder[]): StopRecord {
    const { version, orgId, deviceIds } = stop;
    const before = this.#records.get(version);
    if (before !== undefined && before.covers(deviceIds)) return before;
    const names = deviceIds === undefined ? undefined : new Set(deviceIds);
    // More devices than it named before: those are waited for from now on, and so are the others.
    for (const deviceId of before?.deviceIds ?? []) names?.add(deviceId);
    const { strictDevices, strictUntil } =
      gathered === undefined
        ? this.#strictOf(orgId, version, names)
        : { strictDevices: [], strictUntil: 0 };
    const holders = gathered ?? this.#holdersOf({ ...stop, deviceIds: names && [...names] });
    const seenAt = this.#options.clock();
    const knowsAll = this.#options.replicas.isAlone;
    const strict = { strictDevices, strictUntil };
    const told = { version, orgId, deviceIds: names, seenAt, waitMs, knowsAll, ...strict };
    const record = new StopRecord({ ...told, holders });
    record.isGathering = gathered !== undefined;
    if (before !== undefined) {
      this.#forget(before);
      for (const waiter of before.waiters) record.waiters.add(waiter);
    }
    this.#records.set(version, record);
    this.#holders += record.holders.size;
    this.#prune();
    this.look(record);
    return record;
  }

  /** All whom a stop concerns are known. */
  gathered(record: StopRecord): void {
    record.isGathering = false;
    this.look(record);
  }

  /** Looks whether a stop has come further, and when to look again. */
  look(record: StopRecord): void {
    if (this.#isClosed || record.isFenced) return;
    const now = this.#options.clock();
    if (now >= record.timeEnd) {
      this.#fence(record);
      return;
    }
    if (record.isClear(now) && !record.isGathering) {
      record.asking ??= this.#askReplicas(record);
      return;
    }
    this.#lookAt(record, record.nextLook(now));
  }

  /** A process that may have given allows is gone. */
  lookAgain(): void {
    for (const record of this.#records.values()) if (!record.isFenced) this.look(record);
  }

  /** A session says so of some of its devices, for every stop up to a version. */
  acknowledge(
    session: HeldSession,
    version: number,
    deviceIds: readonly string[],
    state: "fenced" | "drained",
  ): void {
    session.release(deviceIds, version);
    const at = new Date(this.#options.now());
    for (const stop of session.stops) {
      if (stop.version > version) continue;
      stop.acknowledge(session, deviceIds, state, at);
      if (!(stop instanceof StopRecord)) continue;
      this.look(stop);
      if (stop.isDrained) this.#wake(stop);
    }
  }

  /** Resolves when a stop has come as far as wanted, or the signal ends the waiting. */
  async settled(
    record: StopRecord,
    wanted: Exclude<StopState, "pending">,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      this.look(record);
      const isThere = wanted === "fenced" ? record.isFenced : record.isDrained;
      if (isThere || signal.aborted || this.#isClosed) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          record.waiters.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        record.waiters.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  /** Who was given allows that lack a stop, or is connected and may run something. */
  #holdersOf({ version, orgId, deviceIds }: StopOf): StopHolder[] {
    const { sessions, clock } = this.#options;
    const now = clock();
    const concerned = new Map<HeldSession, string[]>();
    if (deviceIds === undefined) {
      for (const session of sessions.ofOrg(orgId)) {
        concerned.set(session, [...session.devices.keys()]);
      }
    }
    for (const deviceId of deviceIds ?? []) {
      for (const session of sessions.ofDevice(orgId, deviceId)) {
        const named = concerned.get(session);
        if (named === undefined) concerned.set(session, [deviceId]);
        else named.push(deviceId);
      }
    }
    return Array.from(concerned, ([session, named]) =>
      holderOf(session, named, version, now),
    ).filter((holder) => holder !== undefined);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const record of this.#records.values()) this.#wake(record);
  }

  #strictOf(orgId: string, version: number, names: ReadonlySet<string> | undefined) {
    const { strict, clock } = this.#options;
    const now = clock();
    const strictDevices: string[] = [];
    let strictUntil = 0;
    for (const deviceId of names ?? strict.devicesOf(orgId)) {
      const end = strict.endOf(orgId, deviceId, version);
      if (end === undefined || end <= now) continue;
      strictDevices.push(deviceId);
      strictUntil = Math.max(strictUntil, end);
    }
    return { strictDevices, strictUntil };
  }

  /** Nothing older that this process gave is in use. Others may have given some. */
  async #askReplicas(record: StopRecord): Promise<void> {
    const { replicas, clock } = this.#options;
    // A store that cannot be asked leaves it to time.
    const haveAll = await replicas.haveReported(record.version).catch(() => false);
    record.asking = undefined;
    if (this.#isClosed || record.isFenced) return;
    if (haveAll || clock() >= record.timeEnd) this.#fence(record);
    else this.#lookAt(record, Math.min(clock() + ASK_AGAIN_MS, record.timeEnd));
  }

  #lookAt(record: StopRecord, at: number): void {
    clearTimeout(this.#timers.get(record));
    const delayMs = Math.min(Math.max(0, at - this.#options.clock()) + 1, MOST_TIMEOUT_MS);
    const timer = setTimeout(() => this.look(record), delayMs);
    timer.unref();
    this.#timers.set(record, timer);
  }

  #fence(record: StopRecord): void {
    record.isFenced = true;
    clearTimeout(this.#timers.get(record));
    this.#timers.delete(record);
    this.#wake(record);
  }

  #wake(record: StopRecord): void {
    for (const waiter of record.waiters) waiter();
  }

  #forget(record: StopRecord): void {
    record.forget();
    clearTimeout(this.#timers.get(record));
    this.#timers.delete(record);
    this.#records.delete(record.version);
    this.#holders -= record.holders.size;
  }

  /** Forgets the oldest that nobody waits for. */
  #prune(): void {
    for (const record of this.#records.values()) {
      if (this.#records.size <= MOST_RECORDS && this.#holders <= MOST_HOLDERS) return;
      if (record.waiters.size === 0 && record.isFenced) this.#forget(record);
    }
  }
}

/** What a stop has of a session: it was given older allows, or it is connected or was lost, and may run something. */
export function holderOf(
  session: HeldSession,
  deviceIds: readonly string[],
  version: number,
  now: number,
): StopHolder | undefined {
  let until = 0;
  const named = deviceIds.filter((deviceId) => {
    const end = session.endOf(deviceId, version, now);
    until = Math.max(until, end ?? 0);
    return end !== undefined || session.mayRun(deviceId);
  });
  if (named.length === 0) return undefined;
  const devices = new Map(named.map((deviceId) => [deviceId, "none" as const]));
  return { session, devices, until, fencedAt: undefined, drainedAt: undefined };
}
