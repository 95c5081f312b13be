import type { Boundary } from "./boundary.ts";
import { CheckPromise } from "./check-promise.ts";
import type { Watcher } from "./check-promise.ts";
import type { Enforcer } from "./enforcer.ts";
import type { Pass, Question } from "./question.ts";
import type { ExecutionStoppedError } from "./errors.ts";
import { warnLoudly } from "./events.ts";
import { describeBoundary, readBoundary } from "./boundary.ts";
import { toDecision } from "./decision.ts";
import type { Decision } from "./decision.ts";
import { Latch } from "./latch.ts";

export interface RunOptions {
  /** Ends the run when it aborts; the run's own signal then aborts with the same reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface CheckOptions {
  /** Gives this one check, and the body of `protect`, up when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Asks the authority now, though there is a lease: for what must not begin on an
   * allow that is seconds old. Over a lease's channel the checks that wait at the
   * same time share one message. A guard with `enforcement: "strict"` always asks.
   * @default false
   */
  readonly strict?: boolean | undefined;
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

const NONE: readonly AbortSignal[] = [];

/** @internal */
export class GuardedRun implements Run {
  readonly #enforcer: Enforcer;
  readonly #latch: Latch;
  /** The caller's signal, that ends the run. */
  readonly #outer: AbortSignal | undefined;
  #signal: AbortSignal | undefined;

  constructor(enforcer: Enforcer, options?: RunOptions) {
    this.#enforcer = enforcer;
    this.#latch = new Latch(enforcer.device, enforcer.onStop);
    this.#outer = options?.signal;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      this.#signal = this.#bodySignal();
      this.#enforcer.device.follow(this.#latch, this.#signal);
    }
    return this.#signal;
  }

  get id(): string {
    return this.#latch.runId;
  }

  get deviceId(): string {
    return this.#latch.deviceId;
  }

  get stopped(): ExecutionStoppedError | undefined {
    return this.#latch.error;
  }

  check(boundary: Boundary, options?: CheckOptions): Promise<Decision> {
    const question = this.#question(boundary, options);
    let pass: Pass | Promise<Pass>;
    try {
      pass = this.#enforcer.ask(question);
    } catch (error) {
      return CheckPromise.watch(Promise.reject<Pass>(error), question, decisionOf);
    }
    if (!(pass instanceof Promise))
      return CheckPromise.settled(this.#enforcer.decisions.of(pass.verdict), question);
    return CheckPromise.watch(pass, question, (given) => {
      this.#enforcer.use(question, given);
      return decisionOf(given);
    });
  }

  async protect<T>(boundary: Boundary, work: Work<T>, options?: CheckOptions): Promise<T> {
    const question = this.#question(boundary, options);
    const signal = this.#bodySignal(options?.signal);
    const asked = this.#enforcer.ask(question);
    const pass = asked instanceof Promise ? await asked : asked;
    this.#enforcer.use(question, pass);
    // Nothing may be awaited between the last look and the body.
    const { device } = this.#enforcer;
    const body = device.begin(question.boundary, question.latch);
    try {
      return await work(signal, { decision: decisionOf(pass), fence: pass.verdict.version });
    } finally {
      device.end(body);
    }
  }

  /** The run's signal together with the caller's. */
  #bodySignal(signal?: AbortSignal): AbortSignal {
    const callers = this.#callers(signal);
    const own = this.#latch.signal;
    return callers.length === 0 ? own : AbortSignal.any([own, ...callers]);
  }

  #callers(signal: AbortSignal | undefined): readonly AbortSignal[] {
    if (this.#outer === undefined) return signal === undefined ? NONE : [signal];
    return signal === undefined ? [this.#outer] : [this.#outer, signal];
  }

  #question(boundary: Boundary, options: CheckOptions | undefined): RunQuestion {
    const signals = this.#callers(options?.signal);
    const isStrict = options?.strict === true;
    return new RunQuestion(this.#enforcer, this.#latch, readBoundary(boundary), signals, isStrict);
  }
}

const decisionOf = ({ verdict }: Pass): Decision => toDecision(verdict);

class RunQuestion implements Question, Watcher {
  // One is made for each check, and fields of this kind are the faster ones to make.
  private readonly enforcer: Enforcer;
  readonly latch: Latch;
  readonly boundary: Boundary;
  readonly signals: readonly AbortSignal[];
  readonly isStrict: boolean;

  constructor(
    enforcer: Enforcer,
    latch: Latch,
    boundary: Boundary,
    signals: readonly AbortSignal[],
    isStrict: boolean,
  ) {
    this.enforcer = enforcer;
    this.latch = latch;
    this.boundary = boundary;
    this.signals = signals;
    this.isStrict = isStrict;
  }

  unobserved(): void {
    this.enforcer.stopForMisuse(this);
    warnLoudly(
      `A check at ${describeBoundary(this.boundary)} was not awaited, so it gated nothing. ` +
        "Write `await run.check(…)`, or better `run.protect(…, work)`. The run was stopped",
      "UNAWAITED_CHECK",
    );
  }
}
