import type { Cancellation } from "../cancellation.ts";
import type { Instant, Timekeeper } from "../clock.ts";
import type { DecisionSource, SourcedVerdict } from "../decision-source.ts";
import type { GuardStatus } from "../events.ts";
import type { HeldDevice } from "../held-device.ts";
import type { LeaseSession } from "./lease-session.ts";

export interface LeaseSourceOptions {
  readonly device: HeldDevice;
  readonly session: LeaseSession;
  readonly time: Timekeeper;
  /** Registers the device, and decides nothing. */
  readonly registration: Pick<DecisionSource, "register" | "forgetRegistration">;
  /** Whether a check has to register the device first. */
  readonly registers: boolean;
  /** Called when something about the lease has changed. */
  readonly onChange: () => void;
}

/** Decides by the lease that this process holds, and asks only where it holds none. */
export class LeaseSource implements DecisionSource {
  readonly #options: LeaseSourceOptions;
  #isReady: boolean;
  #unwatch: (() => void) | undefined;
  #isBlind = false;

  constructor(options: LeaseSourceOptions) {
    this.#options = options;
    this.#isReady = !options.registers;
  }

  decideNow(now: Instant): SourcedVerdict | undefined {
    return this.#isReady ? this.#options.device.decision(now) : undefined;
  }

  status(): GuardStatus {
    const { device, session, time } = this.#options;
    if (device.isDenied) return "stopped";
    if (device.decision(time.now()) !== undefined) {
      return session.isConnected ? "armed" : "degraded";
    }
    return this.#isBlind || device.lease !== undefined ? "blind" : "idle";
  }

  async register(cancellation: Cancellation): Promise<SourcedVerdict> {
    const sourced = await this.#options.registration.register(cancellation);
    if (sourced.verdict.outcome === "allowed") this.#isReady = true;
    return sourced;
  }

  forgetRegistration(): void {
    this.#isReady = !this.#options.registers;
    this.#options.registration.forgetRegistration();
  }

  async decide(cancellation: Cancellation): Promise<SourcedVerdict> {
    const { device, session, onChange } = this.#options;
    this.#unwatch ??= session.watch(device, onChange);
    const sourced = await session.ask(device, cancellation);
    this.#isBlind = sourced.verdict.outcome === "unavailable";
    onChange();
    return sourced;
  }

  close(): void {
    this.#unwatch?.();
  }
}
