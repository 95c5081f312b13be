import type { Cancellation } from "./cancellation.ts";
import type { Instant } from "./clock.ts";
import type { DecisionSource, SourcedVerdict } from "./decision-source.ts";
import type { GuardStatus } from "./events.ts";
import { SharedCall } from "./shared-call.ts";

export interface DeferredSourceOptions {
  /** Finds the source. It is called before the first check, and again after it has failed. */
  readonly choose: (signal: AbortSignal) => Promise<DecisionSource>;
  readonly onChoice: () => void;
}

/** A source that is found before the first check. While it is not, nothing begins. */
export class DeferredSource implements DecisionSource {
  readonly #options: DeferredSourceOptions;
  #chosen: DecisionSource | undefined;
  #choosing: SharedCall<DecisionSource> | undefined;

  constructor(options: DeferredSourceOptions) {
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
          const source = await this.#options.choose(signal);
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
}
