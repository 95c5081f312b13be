import type { AuthorityLogger } from "../services.ts";
import type {
  LeaseMembership,
  ReplicaAnswers,
  ReplicaQuestion,
  ReplicaRow,
  ReplicaStanding,
  StopReport,
  StopReported,
} from "../store/lease-store.ts";
import { waitFor } from "./clock.ts";
import type { MonotonicClock } from "./clock.ts";
import { waitUntil } from "./wait-until.ts";

export interface ReplicasOptions {
  /** Undefined where nobody knows which there are. */
  readonly membership: LeaseMembership | undefined;
  readonly clock: MonotonicClock;
  readonly logger: AuthorityLogger;
  /** What stops wait for, read after the call. */
  readonly readWaitMs: () => Promise<number>;
  /** Others have said something, or are gone: stops may be fenced sooner. */
  readonly onNews: () => void;
  /** What others are answered who ask. */
  readonly answer: (subject: string) => Promise<string>;
}

const LOOK_MS = 1_000;
/** A process that shows no life for so many looks is taken for ended. That it does not give any more, is made sure. */
const SILENT_LOOKS = 5;
const REPORT_AGAIN_MS = 100;

interface Life {
  readonly life: ReplicaRow["life"];
  silentLooks: number;
}

interface Asking {
  readonly answer: Promise<StopReported>;
  readonly resolve: (reported: StopReported) => void;
  readonly reject: (error: unknown) => void;
}

/** The processes that may have given allows which are in use: this one, and those before or beside it. */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #ending = new AbortController();
  readonly #lives = new Map<string, Life>();
  /** What is being waited for: processes to be removed, and a timeline. */
  readonly #waits = new Set<string>();
  #hasEntered = false;
  #isAlone = false;
  #looking: NodeJS.Timeout | undefined;
  #endNews: (() => void) | undefined;
  #reports = new Map<number, StopReport>();
  #isReporting = false;
  #questions = new Map<number, Asking>();

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  /** Enters this process, before it gives its first allow. @throws StoreUnavailableError */
  async enter(): Promise<void> {
    const { membership, onNews, answer } = this.#options;
    if (membership === undefined) return;
    await membership.enter();
    this.#hasEntered = true;
    const standing = await membership.live();
    this.#isAlone = standing.others.length === 0;
    this.#take(membership, standing);
    if (membership.isExclusive) return;
    if (this.#reports.size > 0) void this.#sendReports(membership);
    const ends = [membership.onReport(onNews), membership.onQuestion(answer)];
    this.#endNews = () => ends.forEach((end) => end());
    this.#lookLater(membership);
  }

  /** Whether every holder is known to a process that can say so. */
  get knowsAll(): boolean {
    const { membership } = this.#options;
    return membership !== undefined && (!membership.isExclusive || this.#isAlone);
  }

  /** Whether asking the others costs nothing. */
  get isExclusive(): boolean {
    return this.#options.membership?.isExclusive === true;
  }

  /** What the others say of a stop, read after the call; undefined when that cannot be known. @throws StoreUnavailableError */
  async reported(version: number): Promise<StopReported | undefined> {
    if (this.#options.membership === undefined) return undefined;
    let asking = this.#questions.get(version);
    if (asking === undefined) {
      const { promise: answer, resolve, reject } = Promise.withResolvers<StopReported>();
      asking = { answer, resolve, reject };
      if (this.#questions.size === 0) setImmediate(() => void this.#ask());
      this.#questions.set(version, asking);
    }
    return asking.answer;
  }

  /** What the others answer. Where nobody knows who they are, or they cannot be asked, that is not all. */
  async ask(question: ReplicaQuestion): Promise<ReplicaAnswers> {
    const nothing = { answers: [], isComplete: false };
    return (await this.#options.membership?.ask(question).catch(() => nothing)) ?? nothing;
  }

  /** Tells the others how far this process is with a stop. */
  report(report: StopReport): void {
    const { membership } = this.#options;
    if (membership === undefined || membership.isExclusive) return;
    this.#reports.set(report.version, report);
    if (this.#hasEntered && !this.#isReporting) void this.#sendReports(membership);
  }

  /** @param isClear whether nothing that this process gave is in use */
  async leave(isClear: boolean): Promise<void> {
    this.#ending.abort();
    clearTimeout(this.#looking);
    this.#endNews?.();
    if (this.#hasEntered) await this.#options.membership?.leave(isClear);
  }

  async #ask(): Promise<void> {
    const questions = this.#questions;
    this.#questions = new Map();
    try {
      const answers = await this.#options.membership?.reported([...questions.keys()]);
      for (const answer of answers ?? []) questions.get(answer.version)?.resolve(answer);
      for (const { reject } of questions.values()) reject(new Error("it was not answered"));
    } catch (error) {
      for (const { reject } of questions.values()) reject(error);
    }
  }

  async #sendReports(membership: LeaseMembership): Promise<void> {
    this.#isReporting = true;
    // What is due in the same turn goes together.
    await Promise.resolve();
    while (this.#reports.size > 0 && !this.#ending.signal.aborted) {
      const reports = this.#reports;
      this.#reports = new Map();
      try {
        await membership.report([...reports.values()]);
      } catch {
        // Who waits for it waits longer; what was said meanwhile is newer.
        for (const [version, report] of reports) {
          if (!this.#reports.has(version)) this.#reports.set(version, report);
        }
        const { signal } = this.#ending;
        const again = performance.now() + REPORT_AGAIN_MS;
        await waitUntil(again, () => performance.now(), signal);
      }
    }
    this.#isReporting = false;
  }

  #lookLater(membership: LeaseMembership): void {
    this.#looking = setTimeout(() => {
      membership
        .live()
        .then((standing) => this.#take(membership, standing))
        // Who could not be looked at was not silent.
        .catch(() => this.#lives.clear())
        .finally(() => {
          if (!this.#ending.signal.aborted) this.#lookLater(membership);
        });
    }, LOOK_MS);
    this.#looking.unref();
  }

  #take(membership: LeaseMembership, { others, unsettled }: ReplicaStanding): void {
    const present = new Set(others.map(({ id }) => id));
    for (const id of this.#lives.keys()) if (!present.has(id)) this.#lives.delete(id);
    for (const row of others) {
      if (row.state === "out" || this.#hasEnded(row)) this.#removeLater(membership, row);
    }
    if (unsettled !== undefined) {
      this.#afterWait(`timeline ${unsettled}`, () => membership.settle(unsettled));
    }
  }

  #hasEnded({ id, life }: ReplicaRow): boolean {
    if (typeof life === "string") return life === "over";
    const known = this.#lives.get(id);
    if (known?.life !== life) {
      this.#lives.set(id, { life, silentLooks: 0 });
      return false;
    }
    known.silentLooks += 1;
    return known.silentLooks >= SILENT_LOOKS;
  }

  /** Removes a process that ended without doing so itself, once nothing that it gave can be in use. */
  #removeLater(membership: LeaseMembership, { id }: ReplicaRow): void {
    const { logger, onNews } = this.#options;
    const removed = async (): Promise<void> => {
      await membership.remove(id);
      if (membership.isExclusive) this.#isAlone = (await membership.live()).others.length === 0;
      logger.info({ replica: id }, "allows of a process that ended are over");
      onNews();
    };
    this.#afterWait(id, removed, () => membership.markOut(id));
  }

  /** Does something once nothing is in use that was given before `first` was done. */
  #afterWait(
    name: string,
    then: () => Promise<void>,
    first: () => Promise<void> = () => Promise.resolve(),
  ): void {
    const { clock, logger, readWaitMs } = this.#options;
    const { signal } = this.#ending;
    if (this.#waits.has(name) || signal.aborted) return;
    this.#waits.add(name);
    const carryOut = async (): Promise<void> => {
      await first();
      const from = clock();
      if (await waitUntil(from + waitFor(await readWaitMs()), clock, signal)) await then();
    };
    carryOut()
      .catch((error: unknown) => {
        // Stops go on to wait their whole time, which is always enough; it is tried again.
        if (!signal.aborted) logger.warn({ err: error, waits: name }, "what is over was not noted");
      })
      .finally(() => this.#waits.delete(name));
  }
}
