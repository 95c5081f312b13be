import type { Replicas } from "./replicas.ts";
import type { MonotonicClock } from "./clock.ts";
import type { HeldSession } from "./held-session.ts";
import type { HeldSessions } from "./held-sessions.ts";
import { collectAcknowledgements } from "./collect-acknowledgements.ts";
import { holderOf } from "./holder-of.ts";
import { StopRecord } from "./stop-record.ts";
import type { StopHolder, StopScope, StopState } from "./stop-record.ts";
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
  readonly replicas: Pick<Replicas, "reported" | "report" | "knowsAll" | "isExclusive">;
}

/** How a stop was learned of. */
export interface StopLearned {
  /** What stops wait for, read after the stop was seen committed. */
  readonly waitMs: number;
  readonly scope: StopScope;
  /**
   * Whom it concerns, when that is being found out one by one; it is answered by
   * time alone until {@link Stops.gathered}. @default whoever was given older
   * allows, or watches
   */
  readonly gathered?: readonly StopHolder[];
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
  readonly #unfenced = new Set<StopRecord>();
  #holders = 0;
  #isClosed = false;

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  /** How many are not fenced yet. */
  get pending(): number {
    return this.#unfenced.size;
  }

  get(version: number): StopRecord | undefined {
    return this.#records.get(version);
  }

  /**
   * Keeps account of a stop from now on. All changes up to it were learned of:
   * nothing older is given any more.
   */
  begin(stop: StopOf, { waitMs, scope, gathered }: StopLearned): StopRecord {
    const { version, orgId, deviceIds } = stop;
    const before = this.#records.get(version);
    if (before !== undefined && before.covers(deviceIds)) return before;
    const names = deviceIds === undefined ? undefined : new Set(deviceIds);
    // More devices than it named before: those are waited for from now on, and so are the others.
    for (const deviceId of before?.deviceIds ?? []) names?.add(deviceId);
    const { strictDevices, strictUntil } = this.#strictOf(orgId, version, names);
    const holders = gathered ?? this.#holdersOf({ ...stop, deviceIds: names && [...names] });
    const seenAt = this.#options.clock();
    const { knowsAll } = this.#options.replicas;
    // Who of them is concerned, nobody finds out.
    const strict = { strictDevices: gathered === undefined ? strictDevices : [], strictUntil };
    const told = { version, orgId, deviceIds: names, seenAt, waitMs, scope, knowsAll, ...strict };
    const record = new StopRecord({ ...told, holders });
    record.isGathering = gathered !== undefined;
    if (before !== undefined) {
      this.#forget(before);
      for (const waiter of before.waiters) record.waiters.add(waiter);
    }
    this.#records.set(version, record);
    this.#unfenced.add(record);
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

  /**
   * Looks whether a stop has come further, and when to look again.
   *
   * @param isWanted whether somebody wants to know. @default whether somebody waits
   */
  look(record: StopRecord, isWanted = record.waiters.size > 0): void {
    if (this.#isClosed) return;
    const now = this.#options.clock();
    const isClear = record.isClear(now) && !record.isGathering;
    if (isClear) this.#report(record);
    if (!record.isFenced && now >= record.timeEnd) this.#fence(record);
    const isAsked = isWanted || this.#options.replicas.isExclusive;
    const isTheirTurn = record.isFenced ? record.isDrainedHere && !record.isDrained : isClear;
    if (isAsked && isTheirTurn && this.#mayAsk(record)) record.asking ??= this.#askOthers(record);
    else if (!record.isFenced) this.#lookAt(record, record.nextLook(now));
  }

  /** Looks, and asks the others. */
  async refresh(record: StopRecord): Promise<void> {
    this.look(record, true);
    await record.asking;
  }

  /** Others have said something, or are gone. */
  lookAgain(): void {
    for (const record of this.#records.values()) if (!record.isDrained) this.look(record);
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
      this.look(record, true);
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

  /** Gives those who are connected the time to acknowledge what they were told. */
  collect(withinMs: number): Promise<void> {
    return collectAcknowledgements(this.#unfenced, this.#options.clock, withinMs);
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

  /** What others report is what the change log names. */
  #mayAsk({ scope }: StopRecord): boolean {
    return scope === "log" || this.#options.replicas.isExclusive;
  }

  /** Nothing older that this process gave is in use. */
  #report(record: StopRecord): void {
    if (record.scope === "unknown") return;
    const reached = record.isDrainedHere ? "drained" : "fenced";
    if (record.told === reached || record.told === "drained") return;
    record.told = reached;
    this.#options.replicas.report(record.report);
  }

  /** Nothing older that this process gave is in use. Others may have given some. */
  async #askOthers(record: StopRecord): Promise<void> {
    const { replicas, clock } = this.#options;
    // A store that cannot be asked leaves it to time.
    const reported = await replicas.reported(record.version).catch(() => undefined);
    record.asking = undefined;
    if (this.#isClosed) return;
    record.others = reported ?? record.others;
    if (!record.isFenced && (reported?.areFenced === true || clock() >= record.timeEnd)) {
      this.#fence(record);
    }
    if (record.isDrained) this.#wake(record);
    else if (record.waiters.size > 0) this.#lookAt(record, clock() + ASK_AGAIN_MS);
    else if (!record.isFenced) this.#lookAt(record, record.timeEnd);
  }

  #lookAt(record: StopRecord, at: number): void {
    clearTimeout(this.#timers.get(record));
    const delayMs = Math.min(Math.max(0, at - this.#options.clock()) + 1, MOST_TIMEOUT_MS);
    const timer = setTimeout(() => {
      this.#timers.delete(record);
      this.look(record);
    }, delayMs);
    timer.unref();
    this.#timers.set(record, timer);
  }

  #fence(record: StopRecord): void {
    record.isFenced = true;
    this.#unfenced.delete(record);
    clearTimeout(this.#timers.get(record));
    this.#timers.delete(record);
    this.#wake(record);
  }

  #wake(record: StopRecord): void {
    for (const waiter of record.waiters) waiter();
  }

  #forget(record: StopRecord): void {
    record.forget();
    this.#unfenced.delete(record);
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
