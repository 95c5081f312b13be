import { Attempt } from "./attempt.ts";
import type { Boundary } from "./boundary.ts";
import type { Instant, Timekeeper } from "./clock.ts";
import type { DecisionSource, SourcedVerdict } from "./decision-source.ts";
import { SettledDecisions } from "./decision.ts";
import type { Allowed } from "./decision.ts";
import {
  AuthorityUnavailableError,
  ExecutionDeniedError,
  ExecutionStoppedError,
} from "./errors.ts";
import type { StopDetails } from "./errors.ts";
import { emit, isHeard } from "./events.ts";
import type { CheckOutcome, GuardListener, GuardStatus } from "./events.ts";
import type { HeldDevice } from "./held-device.ts";
import type { Latch } from "./latch.ts";
import type { Pass, Question } from "./question.ts";

export interface EnforcerOptions {
  readonly device: HeldDevice;
  /** Where decisions come from until {@link Enforcer.adopt} is called. */
  readonly source: DecisionSource;
  readonly time: Timekeeper;
  /** Deadline of a whole check, registration and retries included, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the first check registers the device. */
  readonly registers: boolean;
  readonly onEvent: GuardListener | undefined;
}

/**
 * The one enforcement sequence. Everything that gates work, in every
 * integration, goes through {@link Enforcer.ask} and {@link Enforcer.use}.
 */
export class Enforcer {
  readonly decisions = new SettledDecisions();
  readonly #options: EnforcerOptions;
  /** Checks that are under way, in any order. */
  readonly #attempts: Attempt[] = [];
  #source: DecisionSource;
  #status: GuardStatus = "idle";
  #isClosed = false;
  #latestSentMs = Number.NEGATIVE_INFINITY;

  constructor(options: EnforcerOptions) {
    this.#options = options;
    this.#source = options.source;
  }

  get device(): HeldDevice {
    return this.#options.device;
  }

  get status(): GuardStatus {
    this.refreshStatus();
    return this.#status;
  }

  /** Says so if the source knows that the guard stands elsewhere than it was last said. */
  refreshStatus(): void {
    const status = this.#source.status?.();
    if (status !== undefined) this.#changeStatus(status);
  }

  /** Takes decisions from `source` from now on. */
  adopt(source: DecisionSource): void {
    this.#source = source;
    if (this.#isClosed) source.close?.();
  }

  forgetRegistration(): void {
    this.#source.forgetRegistration();
  }

  /** Denies everything from now on, checks under way included. */
  close(): void {
    this.#isClosed = true;
    for (const attempt of this.#attempts) attempt.end("closed");
    this.#source.close?.();
    this.#changeStatus("closed");
  }

  /**
   * Asks for an allow. Under a lease the answer is there at once; where it is
   * not, it is a promise.
   *
   * @throws {@link ExecutionStoppedError} when there is none, after latching it
   * @throws the reason of an aborted signal of the caller's
   */
  ask(question: Question): Pass | Promise<Pass> {
    const askedAt = this.#options.time.now();
    const isLatched = question.latch.error !== undefined;
    try {
      this.#refuseIfOver(question);
      const known = question.isStrict ? undefined : this.#source.decideNow?.(askedAt);
      if (known !== undefined) return this.#admit(question, askedAt, known, askedAt);
    } catch (error) {
      throw this.#refused(question, askedAt, isLatched, error);
    }
    return this.#obtain(question, askedAt);
  }

  /**
   * The last look before work begins: nothing has stopped the run or discarded
   * the allow since it was given, and the allow is not too old to be used.
   *
   * @throws as {@link Enforcer.ask} does
   */
  use(question: Question, pass: Pass): void {
    this.#look(question, pass, this.#options.time.now());
  }

  /** Tells that a run was stopped. */
  readonly onStop = (error: ExecutionStoppedError): void => {
    const { deviceId, runId, code } = error;
    emit({ type: "stop", deviceId, runId, code, error }, this.#options.onEvent);
  };

  /** Stops a run because its guard is used wrongly. */
  stopForMisuse({ latch, boundary }: Question): void {
    latch.set(
      new ExecutionStoppedError("UNAWAITED_CHECK", "Execution stopped", detailsOf(latch, boundary)),
    );
  }

  #refuseIfOver({ latch, boundary, signals }: Question): void {
    if (latch.error !== undefined) throw latch.error;
    if (latch.stops !== this.device.stops) throw latch.deny(this.device.lastDenial);
    for (const signal of signals) signal.throwIfAborted();
    if (this.#isClosed) {
      throw latch.set(
        new ExecutionStoppedError("GUARD_CLOSED", "Execution stopped", detailsOf(latch, boundary)),
      );
    }
  }

  #look(question: Question, { verdict, sentAt, askedAt, n }: Pass, now: Instant): void {
    this.#refuseIfOver(question);
    const { time, timeoutMs } = this.#options;
    const { validMs, requestId } = verdict;
    const isLate = time.elapsedMs(askedAt, now) > timeoutMs;
    const isOld = validMs !== undefined && time.leftMs(validMs, sentAt, now) < 0;
    if (isLate) throw this.#unavailable(question, "AUTHORITY_TIMEOUT", { requestId });
    if (isOld || this.device.isVoid(n)) {
      throw this.#unavailable(question, "LEASE_EXPIRED", { requestId });
    }
  }

  async #obtain(question: Question, askedAt: Instant): Promise<Pass> {
    const { time, timeoutMs, registers } = this.#options;
    const lists = [question.latch.attempts, this.#attempts];
    const attempt = new Attempt(timeoutMs, lists, question.signals);
    try {
      if (registers && !this.#source.isRegistered) {
        this.#judge(question, await this.#source.register(attempt));
      }
      const sourced = await this.#source.decide(attempt, question.isStrict);
      if (attempt.isCancelled && sourced.verdict.outcome === "allowed") throw attempt.reason;
      return this.#admit(question, askedAt, sourced, time.now());
    } catch (error) {
      throw this.#refused(question, askedAt, false, this.#refusalFor(question, attempt, error));
    } finally {
      attempt.clear();
    }
  }

  /** What an attempt ends with that brought no allow but `error`. */
  #refusalFor(question: Question, { endedBy, reason }: Attempt, error: unknown): unknown {
    if (ExecutionStoppedError.isInstance(error) && endedBy !== "caller") return error;
    try {
      this.#refuseIfOver(question);
    } catch (refusal) {
      return refusal;
    }
    if (endedBy === "caller") return reason;
    const isTimeout = endedBy === "timeout";
    const code = isTimeout ? "AUTHORITY_TIMEOUT" : "AUTHORITY_UNREACHABLE";
    return this.#unavailable(question, code, isTimeout ? {} : { cause: error });
  }

  /**
   * Makes an allow of a verdict, and tells of it; or throws what is none. A verdict
   * that is known at the very instant it is asked for has nothing to be looked at.
   */
  #admit(question: Question, askedAt: Instant, sourced: SourcedVerdict, now: Instant): Pass {
    const verdict = this.#judge(question, sourced);
    const pass: Pass = { verdict, askedAt, sentAt: sourced.sentAt, n: sourced.n };
    if (now !== askedAt) this.#look(question, pass, now);
    this.#reportCheck(question, askedAt, now, "allowed", verdict.code, verdict.requestId);
    return pass;
  }

  /** Tells of a refusal, and gives it back. */
  #refused(question: Question, askedAt: Instant, isLatched: boolean, error: unknown): unknown {
    const now = this.#options.time.now();
    if (!ExecutionStoppedError.isInstance(error)) {
      this.#reportCheck(question, askedAt, now, "aborted", "ABORTED", undefined);
      return error;
    }
    const outcome = AuthorityUnavailableError.isInstance(error) ? "unavailable" : "denied";
    const code = isLatched ? "RUN_STOPPED" : error.code;
    this.#reportCheck(question, askedAt, now, outcome, code, error.requestId);
    return error;
  }

  #judge(question: Question, { verdict, sentAt, cause }: SourcedVerdict): Allowed {
    const { latch, boundary } = question;
    switch (verdict.outcome) {
      case "allowed":
        this.#noteAnswer("armed", sentAt);
        return verdict;
      case "denied": {
        this.#noteAnswer("stopped", sentAt);
        const { code, requestId } = verdict;
        const details = detailsOf(latch, boundary);
        throw latch.set(new ExecutionDeniedError(code, { ...details, requestId }));
      }
      case "unavailable": {
        const { code, serverCode, requestId } = verdict;
        this.#noteAnswer("blind", sentAt);
        throw this.#unavailable(question, code, { serverCode, requestId, cause });
      }
    }
  }

  #unavailable(
    { latch, boundary }: Question,
    code: AuthorityUnavailableError["code"],
    more: { serverCode?: string | undefined; requestId?: string | undefined; cause?: unknown },
  ): ExecutionStoppedError {
    return latch.set(
      new AuthorityUnavailableError(code, { ...detailsOf(latch, boundary), ...more }),
    );
  }

  /** An answer that was asked for earlier than the latest one says nothing new. */
  #noteAnswer(status: GuardStatus, sentAt: Instant): void {
    if (this.#source.status !== undefined) return;
    if (sentAt.monotonicMs < this.#latestSentMs) return;
    this.#latestSentMs = sentAt.monotonicMs;
    this.#changeStatus(status);
  }

  #changeStatus(to: GuardStatus): void {
    const from = this.#status;
    if (from === to || from === "closed") return;
    this.#status = to;
    emit({ type: "status", deviceId: this.device.deviceId, from, to }, this.#options.onEvent);
  }

  #reportCheck(
    { latch, boundary }: Question,
    askedAt: Instant,
    now: Instant,
    outcome: CheckOutcome,
    code: string,
    requestId: string | undefined,
  ): void {
    const { onEvent } = this.#options;
    if (!isHeard("check", onEvent)) return;
    const { deviceId, runId } = latch;
    const startedAtMs = askedAt.wallMs;
    const durationMs = now.monotonicMs - askedAt.monotonicMs;
    emit(
      {
        type: "check",
        deviceId,
        runId,
        boundary,
        outcome,
        code,
        requestId,
        startedAtMs,
        durationMs,
      },
      onEvent,
    );
  }
}

const detailsOf = ({ deviceId, runId }: Latch, boundary: Boundary): StopDetails => ({
  boundary,
  deviceId,
  runId,
});
