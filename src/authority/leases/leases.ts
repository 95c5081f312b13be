import { randomUUID } from "node:crypto";
import type { AuthorityLogger, Services } from "../services.ts";
import type { Change } from "../store/changes.ts";
import type { Validated } from "../store/device-store.ts";
import type { LeaseStore, LeaseTerms } from "../store/lease-store.ts";
import type { Store } from "../store/store.ts";
import { ChangeTail } from "./change-tail.ts";
import { overAt, waitFor } from "./clock.ts";
import type { MonotonicClock } from "./clock.ts";
import { effectOf } from "./effects.ts";
import { Enquiries } from "./enquiries.ts";
import { ackAfter, FanOut } from "./fan-out.ts";
import { Floors } from "./floors.ts";
import type { HeldSession } from "./held-session.ts";
import { HeldSessions } from "./held-sessions.ts";
import { readLoggedStop } from "./logged-stop.ts";
import { Reader, termOf } from "./reader.ts";
import { reconsider } from "./reconsider.ts";
import type { Reconsidered } from "./reconsider.ts";
import { Renewals } from "./renewals.ts";
import { Replicas } from "./replicas.ts";
import type { StopRecord } from "./stop-record.ts";
import { Stops } from "./stops.ts";
import type { StopLearned, StopOf } from "./stops.ts";
import { StrictAllows } from "./strict-allows.ts";
import { hinting, telling } from "./telling.ts";
import { Terms } from "./terms.ts";
import { waitUntil } from "./wait-until.ts";

export interface LeasesOptions {
  readonly store: Pick<Store, "changes" | "onChange">;
  readonly leaseStore: LeaseStore;
  readonly logger: AuthorityLogger;
  readonly clock: MonotonicClock;
  readonly now: Services["now"];
  readonly validMs: number;
  /** What leases are to be good for, when the operator says so. */
  readonly ttlMs: number | undefined;
}

const PRUNE_MS = 1_000;
/**
 * Renewals that are worked on at once. When thousands ask together, as after a restore,
 * others are answered in between.
 */
const MOST_RENEWALS = 64;

/** Everything that this process allowed and that may be in use, and the stops that have to reach it. */
export class Leases {
  readonly sessions = new HeldSessions();
  readonly strict = new StrictAllows();
  readonly floors = new Floors();
  readonly stops: Stops;
  readonly enquiries: Enquiries;
  readonly reader: Reader;
  readonly fanOut = new FanOut();
  readonly renewals = new Renewals(MOST_RENEWALS);
  readonly #options: LeasesOptions;
  readonly #tail: ChangeTail;
  readonly #replicas: Replicas;
  readonly #terms: Terms;
  readonly #ending = new AbortController();
  #pruning: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
    const { store, leaseStore, logger, clock, now } = options;
    const { membership } = leaseStore;
    this.#replicas = new Replicas({
      membership,
      clock,
      logger,
      readWaitMs: async () => (await this.#readTerms()).waitMs,
      onNews: () => this.stops.lookAgain(),
      answer: (subject) => this.enquiries.answer(subject),
    });
    const { sessions, strict, floors, fanOut } = this;
    this.stops = new Stops({ clock, now, sessions, strict, fanOut, replicas: this.#replicas });
    const { stops } = this;
    this.enquiries = new Enquiries({ clock, now, sessions, stops, replicas: this.#replicas });
    this.reader = new Reader({ store: leaseStore, floors, clock, now });
    this.#terms = new Terms({ ...options, store: leaseStore });
    this.#tail = new ChangeTail(store, logger, {
      apply: (change, terms) => this.#apply(change, terms),
      lost: (version) => this.#lost(version),
      applied: () => this.fanOut.flush(),
    });
  }

  /** By the monotonic clock. */
  now(): number {
    return this.#options.clock();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Every change up to this version was learned of. */
  get version(): number {
    return this.#tail.version;
  }

  get ttlMs(): number {
    return this.#terms.current.ttlMs;
  }

  /** What stops wait for, as far as is known. */
  get waitMs(): number {
    return this.#terms.current.waitMs;
  }

  get validMs(): number {
    return this.#options.validMs;
  }

  /** Enters this process among those that give allows. It gives none before. @throws StoreUnavailableError */
  async start(): Promise<void> {
    // It learns of all changes since it is known of.
    const terms = await this.#tail.start();
    await this.#replicas.enter();
    // Where there are others, they have said what they knew.
    if (this.#replicas.isExclusive) this.stops.forgottenUpTo = this.version;
    await this.#terms.start(terms);
    this.#pruning = setInterval(() => this.#prune(), PRUNE_MS);
    this.#pruning.unref();
  }

  /**
   * Takes a strict allow that is about to be sent into account.
   *
   * @returns for how long it is good, in milliseconds; undefined when it was read before a stop that
   *   is known by now, and has to be asked for again
   */
  takeStrict(validated: Validated, deviceId: string, at: number): number | undefined {
    const { orgId, version, waitMs, endsAt, decision } = validated;
    const termMs = termOf(Math.min(this.#options.validMs, waitMs), endsAt, at);
    if (!decision.allowed) return termMs;
    if (!this.floors.permits(orgId, deviceId, version)) return undefined;
    this.strict.note(orgId, deviceId, version, overAt(this.#options.clock(), termMs));
    return termMs;
  }

  /** A stop that was committed, once it was learned of; undefined when the signal ended the waiting for it. */
  async stopOf(
    version: number,
    orgId: string,
    deviceIds: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<StopRecord | undefined> {
    await this.#tail.reached(version, signal);
    if (signal.aborted) return undefined;
    const known = this.stops.get(version);
    if (known?.orgId === orgId && known.covers(deviceIds)) return known;
    // It was stopped before this process learned of it, and may not be over: it is waited for anew.
    const { waitMs, logged } = await readLoggedStop(this.#options.store, version, orgId);
    const stop = { version, orgId, deviceIds };
    if (logged === undefined) return this.#beginLate(stop, { waitMs, scope: "unknown" });
    const record = this.#beginLate(logged, { waitMs, scope: "log" });
    return record.covers(deviceIds) ? record : this.#beginLate(stop, { waitMs, scope: "more" });
  }

  /** A stop by its version, if the org has one of that version. @throws StoreUnavailableError */
  async findStop(version: number, orgId: string): Promise<StopRecord | undefined> {
    const known = this.stops.get(version);
    if (known !== undefined) {
      if (known.orgId !== orgId) return undefined;
      await this.stops.refresh(known);
      return known;
    }
    const { waitMs, logged, isOfKey } = await readLoggedStop(this.#options.store, version, orgId);
    if (logged === undefined) return undefined;
    await this.#tail.reached(version, this.#ending.signal);
    // Who worked under a key, nobody finds out any more: it is answered by time.
    const record = this.#beginLate(logged, { waitMs, scope: "log", isDecided: isOfKey });
    await this.stops.complete(record);
    await this.stops.refresh(record);
    return record;
  }

  /** Keeps account of a stop whose holders were told when it was applied. */
  #beginLate(stop: StopOf, learned: StopLearned): StopRecord {
    const record = this.stops.begin(stop, learned);
    this.fanOut.flush();
    return record;
  }

  /** Gives no more. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ending.abort();
    clearInterval(this.#pruning);
    this.#tail.close();
    this.stops.close();
    this.#terms.close();
    const { clock, leaseStore, validMs } = this.#options;
    // Strict allows are soon over, and then nobody has to wait for this process. Alone on a
    // store nothing is gained by it: the next one cannot begin before this one has ended.
    if (leaseStore.membership?.isExclusive === false && !this.sessions.isAnyHeld(clock())) {
      await waitUntil(this.strict.end, clock, AbortSignal.timeout(waitFor(validMs)));
    }
    const now = clock();
    const isClear = !this.sessions.isAnyHeld(now) && this.strict.end <= now;
    await this.#replicas.leave(isClear).catch(() => {
      // Its row stays, and stops wait for it: that is slower, and safe.
    });
  }

  async #readTerms(): Promise<LeaseTerms> {
    return (await this.#options.store.changes(Number.MAX_SAFE_INTEGER, 1)).terms;
  }

  #apply(change: Change, terms: LeaseTerms): void {
    this.#terms.saw(terms);
    const { version, orgId, operation, deviceIds, requestId } = change;
    const effect = effectOf(operation);
    if (effect.kind === "none") return;
    if (effect.kind === "restore") {
      const restored = effect.everywhere ? undefined : new Set(deviceIds);
      this.fanOut.add(hinting(this.sessions, orgId, restored, version), "hint");
      return;
    }
    const isWide = effect.kind !== "stop" || effect.everywhere;
    const stopped = isWide ? undefined : deviceIds;
    // First no older allow leaves; then who holds one is told; then it is waited for.
    this.floors.raise(orgId, stopped, version, this.#options.clock());
    const learned = { waitMs: terms.waitMs, scope: "log" } as const;
    const stop = { version, orgId, deviceIds: stopped };
    if (effect.kind === "stop") {
      const named = stopped && new Set(stopped);
      const ackAfterMs = ackAfter(this.sessions.countConcerned(orgId, named));
      const { code } = effect;
      const tell = telling({ version, code, requestId, ackAfterMs }, named, this.#options.clock);
      this.stops.begin(stop, { ...learned, tell });
      return;
    }
    if (effect.kind === "key_end") this.stops.begin(stop, { ...learned, isDecided: true });
    const sessions = this.sessions.ofOrg(orgId);
    this.#reconsider(sessions, { version, orgId, terms, requestId: requestId ?? randomUUID() });
  }

  /** Of what happened up to a version nothing is known: nothing older is sent, and everybody is asked about. */
  #lost(version: number): void {
    this.floors.raiseEverywhere(version);
    this.#readTerms()
      .then((terms) =>
        this.#reconsider(this.sessions, {
          version,
          orgId: undefined,
          terms,
          requestId: randomUUID(),
        }),
      )
      .catch((error: unknown) => {
        // Whoever renews is decided anew; who does not runs out.
        this.#options.logger.warn({ err: error }, "the terms of leases could not be read");
      });
  }

  #reconsider(sessions: Iterable<HeldSession>, change: Reconsidered): void {
    const { logger } = this.#options;
    reconsider(this, [...sessions], change).catch((error: unknown) =>
      logger.warn({ err: error }, "sessions could not be looked at again"),
    );
  }

  #prune(): void {
    const now = this.#options.clock();
    this.sessions.prune(now);
    this.strict.prune(now);
    this.floors.prune(now);
  }
}
