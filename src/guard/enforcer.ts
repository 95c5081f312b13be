import { Attempt } from "./attempt.ts";
import type { Boundary } from "./boundary.ts";
import { elapsedMs, isWithin, readClock } from "./clock.ts";
import type { Clock, Instant } from "./clock.ts";
import type { DecisionSource, SourcedVerdict } from "./decision-source.ts";
import {
  AuthorityUnavailableError,
  ExecutionDeniedError,
  ExecutionStoppedError,
} from "./errors.ts";
import { emit } from "./events.ts";
import type { CheckOutcome, GuardListener, GuardStatus } from "./events.ts";
import type { Latch } from "./latch.ts";

export interface EnforcerOptions {
  readonly deviceId: string;
  readonly source: DecisionSource;
  readonly clock: Clock;
  /** Deadline of a whole check, registration and retries included, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the first check registers the device. */
  readonly registers: boolean;
  readonly onEvent: GuardListener | undefined;
}

/** An allow that may be used, while it is fresh, for one beginning of work. */
export interface Pass {
  readonly code: string;
  readonly requestId: string | undefined;
  readonly version: number | undefined;
  /** When the check began. */
  readonly askedAt: Instant;
  /** When the request that brought the allow was sent. */
  readonly sentAt: Instant;
  readonly validMs: number | undefined;
}

/** What one check is about. */
export interface Question {
  readonly latch: Latch;
  readonly boundary: Boundary;
  /** Signals of the caller's. */
  readonly signals: readonly AbortSignal[];
}

/**
 * The one enforcement sequence. Everything that gates work, in every
 * integration, goes through {@link Enforcer.ask} and {@link Enforcer.use}.
 */
export class Enforcer {
  readonly #options: EnforcerOptions;
  readonly #attempts = new Set<Attempt>();
  #status: GuardStatus = "idle";
  #isClosed = false;
  #latestSentMs = Number.NEGATIVE_INFINITY;

  constructor(options: EnforcerOptions) {
    this.#options = options;
  }

  get deviceId(): string {
    return this.#options.deviceId;
  }

  get status(): GuardStatus {
    return this.#status;
  }

  /** Denies everything from now on, checks under way included. */
  close(): void {
    this.#isClosed = true;
    for (const attempt of this.#attempts) attempt.end("closed");
    this.#changeStatus("closed");
  }

  /**
   * Asks for an allow.
   *
   * @throws {@link ExecutionStoppedError} when there is none, after latching it
   * @throws the reason of an aborted signal of the caller's
   */
  async ask(question: Question): Promise<Pass> {
    const startedAt = readClock(this.#options.clock);
    const report = (outcome: CheckOutcome, code: string, requestId?: string): void =>
      this.#reportCheck(question, startedAt, outcome, code, requestId);
    const isLatched = question.latch.error !== undefined;
    try {
      this.#refuseIfOver(question);
      const pass = await this.#obtain(question, startedAt);
      report("allowed", pass.code, pass.requestId);
      return pass;
    } catch (error) {
      if (!ExecutionStoppedError.isInstance(error)) report("aborted", "ABORTED");
      else {
        const outcome = AuthorityUnavailableError.isInstance(error) ? "unavailable" : "denied";
        report(outcome, isLatched ? "RUN_STOPPED" : error.code, error.requestId);
      }
      throw error;
    }
  }

  /**
   * The last look before work begins: nothing has stopped the run since the
   * allow was given, and the allow is not too old to be used.
   *
   * @throws as {@link Enforcer.ask} does
   */
  use(question: Question, pass: Pass): void {
    this.#refuseIfOver(question);
    const { validMs, sentAt, askedAt } = pass;
    const { clock, timeoutMs } = this.#options;
    if (elapsedMs(askedAt, clock) > timeoutMs) {
      throw this.#unavailable(question, "AUTHORITY_TIMEOUT", { requestId: pass.requestId });
    }
    if (validMs !== undefined && !isWithin(validMs, sentAt, clock)) {
      throw this.#unavailable(question, "LEASE_EXPIRED", { requestId: pass.requestId });
    }
  }

  /** Stops a run because its guard is used wrongly. */
  stopForMisuse({ latch, boundary }: Question): void {
    latch.set(
      new ExecutionStoppedError("UNAWAITED_CHECK", "Execution stopped", {
        ...this.#details(latch, boundary),
      }),
    );
  }

  #refuseIfOver({ latch, boundary, signals }: Question): void {
    if (latch.error !== undefined) throw latch.error;
    for (const signal of signals) signal.throwIfAborted();
    if (this.#isClosed) {
      throw latch.set(
        new ExecutionStoppedError("GUARD_CLOSED", "Execution stopped", {
          ...this.#details(latch, boundary),
        }),
      );
    }
  }

  async #obtain(question: Question, askedAt: Instant): Promise<Pass> {
    const { source, timeoutMs, registers } = this.#options;
    const attempt = new Attempt(timeoutMs, question.latch, question.signals);
    this.#attempts.add(attempt);
    try {
      if (registers) this.#judge(question, await source.register(attempt));
      const allow = this.#judge(question, await source.decide(attempt));
      if (attempt.isCancelled) throw attempt.reason;
      const pass = { ...allow, askedAt };
      this.use(question, pass);
      return pass;
    } catch (error) {
      if (ExecutionStoppedError.isInstance(error) && attempt.endedBy !== "caller") throw error;
      this.#refuseIfOver(question);
      if (attempt.endedBy === "caller") throw attempt.reason;
      const isTimeout = attempt.endedBy === "timeout";
      const code = isTimeout ? "AUTHORITY_TIMEOUT" : "AUTHORITY_UNREACHABLE";
      throw this.#unavailable(question, code, isTimeout ? {} : { cause: error });
    } finally {
      this.#attempts.delete(attempt);
      attempt.clear();
    }
  }

  #judge(question: Question, { verdict, sentAt, cause }: SourcedVerdict): Omit<Pass, "askedAt"> {
    const { latch, boundary } = question;
    const { requestId } = verdict;
    switch (verdict.outcome) {
      case "allowed": {
        this.#noteAnswer("armed", sentAt);
        const { code, version, validMs } = verdict;
        return { code, requestId, version, validMs, sentAt };
      }
      case "denied": {
        this.#noteAnswer("stopped", sentAt);
        const details = this.#details(latch, boundary);
        throw latch.set(new ExecutionDeniedError(verdict.code, { ...details, requestId }));
      }
      case "unavailable": {
        const { code, serverCode } = verdict;
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
    const details = this.#details(latch, boundary);
    return latch.set(new AuthorityUnavailableError(code, { ...details, ...more }));
  }

  #details(
    latch: Latch,
    boundary: Boundary,
  ): { boundary: Boundary; deviceId: string; runId: string } {
    return { boundary, deviceId: this.deviceId, runId: latch.runId };
  }

  /** An answer that was asked for earlier than the latest one says nothing new. */
  #noteAnswer(status: GuardStatus, sentAt: Instant): void {
    if (sentAt.monotonicMs < this.#latestSentMs) return;
    this.#latestSentMs = sentAt.monotonicMs;
    this.#changeStatus(status);
  }

  #changeStatus(to: GuardStatus): void {
    const from = this.#status;
    if (from === to || from === "closed") return;
    this.#status = to;
    emit({ type: "status", deviceId: this.deviceId, from, to }, this.#options.onEvent);
  }

  #reportCheck(
    { latch, boundary }: Question,
    startedAt: Instant,
    outcome: CheckOutcome,
    code: string,
    requestId: string | undefined,
  ): void {
    const durationMs = this.#options.clock.monotonicMs() - startedAt.monotonicMs;
    emit(
      {
        type: "check",
        deviceId: this.deviceId,
        runId: latch.runId,
        boundary,
        outcome,
        code,
        requestId,
        startedAtMs: startedAt.wallMs,
        durationMs,
      },
      this.#options.onEvent,
    );
  }
}
