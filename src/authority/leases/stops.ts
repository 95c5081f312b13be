import type { FanOut } from "./fan-out.ts";
import type { Replicas } from "./replicas.ts";
import type { MonotonicClock } from "./clock.ts";
import type { HeldSession } from "./held-session.ts";
import type { HeldSessions } from "./held-sessions.ts";
import { collectAcknowledgements } from "./collect-acknowledgements.ts";
import { StopHolder } from "./stop-holder.ts";
import type { Acknowledged } from "./stop-holder.ts";
import { StopRecord } from "./stop-record.ts";
import type { StopScope, StopState } from "./stop-record.ts";
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
  readonly fanOut: FanOut;
  readonly replicas: Pick<Replicas, "reported" | "report" | "knowsAll" | "isExclusive">;
}

/** How a stop was learned of. */
export interface StopLearned {
  /** What stops wait for, read after the stop was seen committed. */
  readonly waitMs: number;
  readonly scope: StopScope;
  /**
   * Whom it concerns is decided one by one: it is answered by time alone until
   * {@link Stops.gathered}. @default whoever was given older allows, or watches
   */
  readonly isDecided?: boolean;
  /** Sends a session the stop. @default nobody is sent it */
  readonly tell?: (session: HeldSession) => void;
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
  /** Stops of which it is being found out who holds older allows. */
  readonly #gathering = new Set<StopRecord>();
  /** Who held when stops up to this version were made may be forgotten: nobody says that they are drained. */
  forgottenUpTo = 0;
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
   * nothing older is given any more. Whom it concerns is told at the next flush of
   * the fan-out, in slices, and noted after that: until all are, it is answered by
   * time alone.
   */
  begin(stop: StopOf, { waitMs, scope, isDecided = false, tell }: StopLearned): StopRecord {
    const { version, orgId, deviceIds } = stop;
    const before = this.#records.get(version);
    if (before !== undefined && before.covers(deviceIds)) return before;
    const names = deviceIds === undefined ? undefined : new Set(deviceIds);
    // More devices than it named before: those are waited for from now on, and so are the others.
    for (const deviceId of before?.deviceIds ?? []) names?.add(deviceId);
    const seenAt = this.#options.clock();
    const knowsAll = this.#options.replicas.knowsAll && version > this.forgottenUpTo;
    const allowed = this.#options.strict.inUse(orgId, version, names, seenAt);
    // Who of them is concerned, nobody finds out.
    const strict = { strictDevices: isDecided ? [] : allowed.devices, strictUntil: allowed.until };
    const told = { version, orgId, deviceIds: names, seenAt, waitMs, scope, knowsAll, ...strict };
    const record = new StopRecord(told);
    if (before !== undefined) {
      this.#forget(before);
      record.before = before;
    }
    this.#records.set(version, record);
    before?.wake();
    this.#unfenced.add(record);
    this.#prune();
    this.look(record);
    if (isDecided) return record;
    this.#gathering.add(record);
    this.#options.fanOut.add(this.#reach(record, tell), "stop");
    return record;
  }

  /** A stop concerns somebody more. */
  add(record: StopRecord, holder: StopHolder): void {
    if (record.add(holder)) this.#holders += 1;
  }

  /** All whom a stop concerns are known. */
  gathered(record: StopRecord): void {
    record.isGathering = false;
    record.before = undefined;
    this.#gathering.delete(record);
    this.look(record);
    record.wake();
  }

  /** Resolves when all whom a stop concerns are known. */
  async complete(record: StopRecord): Promise<void> {
    while (this.#gathering.has(record) && !this.#isClosed) await record.news();
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
    const { isExclusive } = this.#options.replicas;
    // What others report is what the change log names.
    const mayAsk = isExclusive || (isWanted && record.scope === "log");
    const isTheirTurn = record.isFenced ? record.isDrainedHere && !record.isDrained : isClear;
    if (mayAsk && isTheirTurn) record.asking ??= this.#askOthers(record);
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
  acknowledge(session: HeldSession, version: number, acknowledged: Acknowledged): void {
    // What it held is noted before it lets go of it.
    for (const stop of this.#gathering) {
      if (stop.version <= version && stop.orgId === session.orgId) this.#note(stop, session);
    }
    session.release(acknowledged.deviceIds, version);
    const now = this.#options.clock();
    const at = this.#options.now();
    for (const stop of session.stops) {
      if (stop.version > version) continue;
      stop.acknowledge(session, acknowledged, at);
      if (stop.isClear(now)) this.look(stop);
      if (stop.isDrained) stop.wake();
    }
  }

  /** Resolves with the account of a stop that has come as far as wanted, or when the signal ends the waiting. */
  async settled(
    record: StopRecord,
    wanted: Exclude<StopState, "pending">,
    signal: AbortSignal,
  ): Promise<StopRecord> {
    for (;;) {
      const current = this.#records.get(record.version) ?? record;
      this.look(current, true);
      const isThere = wanted === "fenced" ? current.isFenced : current.isDrained;
      if (isThere || signal.aborted || this.#isClosed) return current;
      await current.news(signal);
    }
  }

  /** Gives those who are connected the time to acknowledge what they were told. */
  collect(withinMs: number): Promise<void> {
    return collectAcknowledgements(this.#unfenced, this.#options.clock, withinMs);
  }

  /** Tells all whom a stop concerns, and then notes who they are. */
  *#reach(record: StopRecord, tell?: (session: HeldSession) => void): Generator<undefined, void> {
    const { sessions } = this.#options;
    const { orgId, deviceIds } = record;
    for (const session of tell === undefined ? [] : sessions.concerned(orgId, deviceIds)) {
      tell?.(session);
      yield;
    }
    for (const session of sessions.concerned(orgId, deviceIds)) {
      if (!this.#gathering.has(record)) return;
      this.#note(record, session);
      yield;
    }
    this.gathered(record);
  }

  #note(record: StopRecord, session: HeldSession): void {
    if (record.holders.has(session)) return;
    const { version, deviceIds } = record;
    const holder = StopHolder.of(session, deviceIds, version, this.#options.clock());
    if (holder === undefined) return;
    this.add(record, holder);
    // What it said of this stop holds, though it was another's account of it.
    const at = this.#options.now();
    const before = record.before?.holders.get(session);
    for (const [deviceId, state] of before?.devices() ?? []) {
      if (state === "none") continue;
      const running = before?.running?.all.filter(({ device }) => device === deviceId);
      record.acknowledge(session, { deviceIds: [deviceId], state, running }, at);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    for (const record of this.#records.values()) record.wake();
  }

  /** Nothing older that this process gave is in use: it says so to the others. */
  #report(record: StopRecord): void {
    if (record.scope === "unknown") return;
    const reached = record.isDrainedHere ? "drained" : "fenced";
    if (record.told === reached || record.told === "drained") return;
    record.told = reached;
    this.#options.replicas.report(record.report);
  }

  /** Others may have given something older: what they say decides, or time. */
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
    if (record.isDrained) record.wake();
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
    record.wake();
  }

  #forget(record: StopRecord): void {
    record.forget();
    this.#unfenced.delete(record);
    clearTimeout(this.#timers.get(record));
    this.#timers.delete(record);
    this.#records.delete(record.version);
    this.#gathering.delete(record);
    this.#holders -= record.holders.size;
  }

  /** Forgets the oldest that nobody waits for. */
  #prune(): void {
    for (const record of this.#records.values()) {
      if (this.#records.size <= MOST_RECORDS && this.#holders <= MOST_HOLDERS) return;
      if (record.waiters.size > 0 || !record.isFenced) continue;
      this.#forget(record);
      this.forgottenUpTo = Math.max(this.forgottenUpTo, record.version);
    }
  }
}
