import { readFeatures } from "../../wire/index.ts";
import type { Cancellation } from "../cancellation.ts";
import type { Instant } from "../clock.ts";
import type { DecisionSource, SourcedVerdict } from "../decision-source.ts";
import type { GuardStatus } from "../events.ts";
import { SharedCall } from "../shared-call.ts";
import type { GuardClient } from "../strict-source.ts";

export interface AutoSourceOptions {
  readonly client: GuardClient;
  readonly strict: DecisionSource;
  /** Makes the source for an authority that grants leases. */
  readonly lease: () => DecisionSource;
  /** Called when it is known which of the two it is. */
  readonly onChoice: () => void;
}

/**
 * Leases where the authority offers them, else strict. The authority is asked
 * once, before the first check; while it has not said, nothing begins.
 */
export class AutoSource implements DecisionSource {
  readonly #options: AutoSourceOptions;
  #chosen: DecisionSource | undefined;
  #choosing: SharedCall<DecisionSource> | undefined;

  constructor(options: AutoSourceOptions) {
    this.#options = options;
  }

  decideNow(now: Instant): SourcedVerdict | undefined {
    return this.#chosen?.decideNow?.(now);
  }

  status(): GuardStatus | undefined {
    return this.#chosen?.status?.();
  }

  async register(cancellation: Cancellation): Promise<SourcedVerdict> {
    return (await this.#choose(cancellation)).register(cancellation);
  }

  forgetRegistration(): void {
    this.#options.strict.forgetRegistration();
    this.#chosen?.forgetRegistration();
  }

  async decide(cancellation: Cancellation): Promise<SourcedVerdict> {
    return (await this.#choose(cancellation)).decide(cancellation);
  }

  close(): void {
    this.#chosen?.close?.();
  }

  async #choose(cancellation: Cancellation): Promise<DecisionSource> {
    if (this.#chosen !== undefined) return this.#chosen;
    if (this.#choosing === undefined || this.#choosing.isAbandoned) {
      const choosing = new SharedCall(async (signal) => {
        try {
          const source = await this.#ask(signal);
          this.#chosen ??= source;
          return this.#chosen;
        } finally {
          if (this.#choosing === choosing) this.#choosing = undefined;
        }
      });
      this.#choosing = choosing;
      choosing.begin();
    }
    const chosen = await this.#choosing.join(cancellation);
    this.#options.onChoice();
    return chosen;
  }

  async #ask(signal: AbortSignal): Promise<DecisionSource> {
    const { client, strict, lease } = this.#options;
    const timeoutMs = Number.POSITIVE_INFINITY;
    const { status, body } = await client.request("meta", undefined, { signal, timeoutMs });
    const offersLeases = readFeatures(status, body).includes("lease");
    return offersLeases && client.openLeaseChannel !== undefined ? lease() : strict;
  }
}
