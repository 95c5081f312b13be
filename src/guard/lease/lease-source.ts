import type { Cancellation } from "../cancellation.ts";
import type { Instant, Timekeeper } from "../clock.ts";
import type { DecisionSource, SourcedVerdict } from "../decision-source.ts";
import type { GuardEvent, GuardStatus } from "../events.ts";
import type { HeldDevice, RunningBody } from "../held-device.ts";
import type { LeasedDevice, LeaseListener } from "./leased-device.ts";
import type { LeaseSession } from "./lease-session.ts";

export interface LeaseSourceOptions {
  readonly device: HeldDevice;
  readonly session: LeaseSession;
  readonly time: Timekeeper;
  /** Asks the authority by request: to register, and where there is no channel. */
  readonly strict: DecisionSource;
  /** Whether a check has to register the device first. */
  readonly registers: boolean;
  /** Whether checks are asked strictly as long as there is no channel. */
  readonly fallsBack: boolean;
  /** Deadline of a check in milliseconds. */
  readonly timeoutMs: number;
  /** Called when something about the lease has changed. */
  readonly onChange: () => void;
  readonly onEvent: (event: GuardEvent) => void;
}

/** Decides by the lease that this process holds, and asks only where it holds none. */
export class LeaseSource implements DecisionSource, LeaseListener {
  readonly #options: LeaseSourceOptions;
  #isReady: boolean;
  #leased: LeasedDevice | undefined;
  #isAnswered = false;
  #isClosed = false;
  /** How the last check ended that was asked strictly for want of a channel. */
  #fallback: GuardStatus | undefined;
  /** The channel was waited for once, and did not come. */
  #isLate = false;

  constructor(options: LeaseSourceOptions) {
    this.#options = options;
    this.#isReady = !options.registers;
  }

  decideNow(now: Instant): SourcedVerdict | undefined {
    if (!this.#isReady || this.#leased === undefined) return undefined;
    // A denial holds until a grant, which may never come where strict checks can be had.
    const { session, fallsBack } = this.#options;
    if (fallsBack && this.#leased.isDenied && !session.isConnected) return undefined;
    return this.#leased.decision(now);
  }

  status(): GuardStatus {
    const { session, time } = this.#options;
    const outcome = this.#leased?.decision(time.now())?.verdict.outcome;
    if (outcome === "allowed") return session.isConnected ? "armed" : "degraded";
    if (this.#fallback !== undefined && !session.isConnected) return this.#fallback;
    if (outcome === "denied") return "stopped";
    return this.#isAnswered ? "blind" : "idle";
  }

  get isRegistered(): boolean {
    return this.#isReady;
  }

  async register(cancellation: Cancellation): Promise<SourcedVerdict> {
    const sourced = await this.#options.strict.register(cancellation);
    if (sourced.verdict.outcome === "allowed") this.#isReady = true;
    return sourced;
  }

  forgetRegistration(): void {
    this.#isReady = !this.#options.registers;
    this.#options.strict.forgetRegistration();
  }

  decide(cancellation: Cancellation, isStrict: boolean): Promise<SourcedVerdict> {
    if (this.#isClosed) return Promise.reject(cancellation.reason);
    const { device, session } = this.#options;
    this.#leased ??= session.watch(device, this);
    // Where a stop might not be obeyed there is no allow of any kind.
    if (!isStrict || !session.isSound) {
      return this.#noteAnswer(this.#askForLease(this.#leased, cancellation));
    }
    const decided = this.#decideStrictly(this.#leased, cancellation);
    return this.#isAnswered ? decided : this.#noteAnswer(decided);
  }

  async #noteAnswer(asked: Promise<SourcedVerdict>): Promise<SourcedVerdict> {
    const sourced = await asked;
    this.#isAnswered = true;
    this.#options.onChange();
    return sourced;
  }

  changed(): void {
    if (this.#options.session.isConnected) this.#isLate = false;
    this.#options.onChange();
  }

  undrained(bodies: readonly RunningBody[]): void {
    for (const { boundary, latch } of bodies) {
      const { deviceId, runId } = latch;
      this.#options.onEvent({ type: "undrained", deviceId, runId, boundary });
    }
  }

  selfChecked(isSound: boolean): void {
    const { deviceId } = this.#options.device;
    const outcome = isSound ? "passed" : "failed";
    this.#options.onEvent({ type: "self_check", deviceId, outcome });
  }

  /** What has begun is not ended: a stop has to reach it still, and must not be taken for drained before. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const leased = this.#leased;
    leased?.onceIdle(() => this.#options.session.unwatch(leased, this));
  }

  /** By a lease; where that takes a channel that cannot be had, strictly, if that will do. */
  async #askForLease(leased: LeasedDevice, cancellation: Cancellation): Promise<SourcedVerdict> {
    const { session, strict, fallsBack } = this.#options;
    if (!fallsBack) return session.ask(leased, cancellation);
    let sourced: SourcedVerdict | undefined;
    if (!this.#isLate || session.isConnected) {
      sourced = await this.#awaitLease(leased, cancellation);
      if (sourced !== undefined && sourced.verdict.outcome !== "unavailable") {
        this.#fallback = undefined;
        return sourced;
      }
    }
    if (!session.isSound) return session.ask(leased, cancellation);
    const asked = await this.#ifSound(leased, cancellation, strict.decide(cancellation, false));
    this.#fallback = STATUS[asked.verdict.outcome];
    // With no answer either way, that the lease is over says more.
    const isOver = asked.verdict.outcome === "unavailable" && leased.hadLease;
    return isOver ? (sourced ?? asked) : asked;
  }

  /** In a message over the channel, or where there is none by a request. */
  async #decideStrictly(leased: LeasedDevice, cancellation: Cancellation): Promise<SourcedVerdict> {
    const { session } = this.#options;
    // The authority knows the end of what begins by the channel: the first check waits for it.
    if (!session.isConnected && !leased.hadLease && !this.#isLate) {
      await this.#awaitLease(leased, cancellation);
    }
    return this.#ifSound(leased, cancellation, this.#askStrictly(leased, cancellation));
  }

  #askStrictly(leased: LeasedDevice, cancellation: Cancellation): Promise<SourcedVerdict> {
    const { session, strict, timeoutMs } = this.#options;
    const otherwise = (): Promise<SourcedVerdict> => strict.decide(cancellation, true);
    if (!session.isConnected) return otherwise();
    // A channel that is dead already may seem to be open for a while.
    return session.check(leased, cancellation, { patienceMs: timeoutMs / 2, otherwise });
  }

  /** What was asked; no allow where a stop might not be obeyed, whoever gives it. */
  async #ifSound(
    leased: LeasedDevice,
    cancellation: Cancellation,
    asked: Promise<SourcedVerdict>,
  ): Promise<SourcedVerdict> {
    const { session } = this.#options;
    const sourced = await asked;
    const isVoid = sourced.verdict.outcome === "allowed" && !session.isSound;
    return isVoid ? session.ask(leased, cancellation) : sourced;
  }

  /** What a lease says, or undefined where none comes in time. */
  async #awaitLease(
    leased: LeasedDevice,
    cancellation: Cancellation,
  ): Promise<SourcedVerdict | undefined> {
    const { session, timeoutMs } = this.#options;
    const sourced = await within(timeoutMs / 2, session.ask(leased, cancellation));
    this.#isLate = sourced === undefined;
    return sourced;
  }
}

const STATUS = { allowed: "armed", denied: "stopped", unavailable: "blind" } as const;

/** What `answer` resolves with in time, or undefined. */
function within<T>(patienceMs: number, answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), patienceMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
