import type { Boundary } from "./boundary.ts";
import { CheckPromise } from "./check-promise.ts";
import type { Enforcer, Pass, Question } from "./enforcer.ts";
import type { ExecutionStoppedError } from "./errors.ts";
import { emit, warnLoudly } from "./events.ts";
import type { GuardListener } from "./events.ts";
import { describeBoundary, readBoundary } from "./boundary.ts";
import { Latch } from "./latch.ts";

export interface RunOptions {
  /** Ends the run when it aborts; the run's own signal then aborts with the same reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface CheckOptions {
  /** Gives this one check, and the body of `protect`, up when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** An allow. A refusal is never returned: it is thrown. */
export interface Decision {
  readonly allowed: true;
  readonly code: string;
  readonly requestId: string | undefined;
  /** Version of the authority's change log that was read; undefined on the hosted service. */
  readonly version: number | undefined;
}

export interface WorkContext {
  readonly decision: Decision;
  /**
   * Fencing token: the decision's version, which only grows. Hand it to a
   * resource that can refuse an older one than it has seen.
   */
  readonly fence: number | undefined;
}

export type Work<T> = (signal: AbortSignal, context: WorkContext) => T | PromiseLike<T>;

/**
 * One piece of work under a guard. The first refusal is latched: every later
 * check of the run throws that same error without asking, whatever a framework
 * swallowed, retried or resumed in between. A new run asks again.
 */
export interface Run {
  readonly id: string;
  readonly deviceId: string;
  /** Aborts with the refusal when the run is stopped, or with the caller's own reason. */
  readonly signal: AbortSignal;
  /** The refusal that stopped this run, if one did. */
  readonly stopped: ExecutionStoppedError | undefined;

  /**
   * Asks at a boundary. Work may begin only after the returned promise has
   * resolved, so await it; {@link Run.protect} cannot be got wrong.
   *
   * @throws {@link ExecutionDeniedError} the authority said no
   * @throws {@link AuthorityUnavailableError} the authority gave no decision
   * @throws {@link ExecutionStoppedError} the guard was closed, or misused
   * @throws the reason of an aborted signal of the caller's
   */
  check(boundary: Boundary, options?: CheckOptions): Promise<Decision>;

  /**
   * Asks, and then calls `work` with a signal that aborts when this run is
   * stopped. Throws as {@link Run.check} does, or what `work` throws.
   */
  protect<T>(boundary: Boundary, work: Work<T>, options?: CheckOptions): Promise<T>;
}

/** @internal */
export class GuardedRun implements Run {
  readonly #enforcer: Enforcer;
  readonly #latch: Latch;
  /** The caller's signal, that ends the run. */
  readonly #outer: AbortSignal | undefined;
  #signal: AbortSignal | undefined;

  constructor(enforcer: Enforcer, onEvent: GuardListener | undefined, { signal }: RunOptions = {}) {
    this.#enforcer = enforcer;
    this.#latch = new Latch((error, runId) => {
      const { code } = error;
      emit({ type: "stop", deviceId: enforcer.deviceId, runId, code, error }, onEvent);
    });
    this.#outer = signal;
  }

  get signal(): AbortSignal {
    const own = this.#latch.signal;
    this.#signal ??= this.#outer === undefined ? own : AbortSignal.any([own, this.#outer]);
    return this.#signal;
  }

  get id(): string {
    return this.#latch.runId;
  }

  get deviceId(): string {
    return this.#enforcer.deviceId;
  }

  get stopped(): ExecutionStoppedError | undefined {
    return this.#latch.error;
  }

  check(boundary: Boundary, options: CheckOptions = {}): Promise<Decision> {
    const question = this.#question(boundary, options);
    const decision = this.#enforcer.ask(question).then((pass) => {
      this.#enforcer.use(question, pass);
      return toDecision(pass);
    });
    return CheckPromise.watch(decision, () => this.#reportUnawaited(question));
  }

  async protect<T>(boundary: Boundary, work: Work<T>, options: CheckOptions = {}): Promise<T> {
    const question = this.#question(boundary, options);
    const signal =
      options.signal === undefined ? this.signal : AbortSignal.any([this.signal, options.signal]);
    const pass = await this.#enforcer.ask(question);
    this.#enforcer.use(question, pass);
    // Nothing may be awaited between the last look and the body.
    return work(signal, { decision: toDecision(pass), fence: pass.version });
  }

  #question(boundary: Boundary, { signal }: CheckOptions): Question {
    const signals = [this.#outer, signal].filter((each) => each !== undefined);
    return { latch: this.#latch, boundary: readBoundary(boundary), signals };
  }

  #reportUnawaited(question: Question): void {
    this.#enforcer.stopForMisuse(question);
    warnLoudly(
      `A check at ${describeBoundary(question.boundary)} was not awaited, so it gated nothing. ` +
        "Write `await run.check(…)`, or better `run.protect(…, work)`. The run was stopped",
      "UNAWAITED_CHECK",
    );
  }
}

function toDecision({ code, requestId, version }: Pass): Decision {
  return { allowed: true, code, requestId, version };
}
