import type { Cancellation } from "./cancellation.ts";
import type { DecisionSource, SourcedVerdict } from "./decision-source.ts";

/**
 * A source that is found before the first check, and whose code is loaded then.
 * While it is not there, nothing begins; the next check tries again.
 */
export class LoadedSource implements DecisionSource {
  readonly #load: () => Promise<DecisionSource>;
  readonly #onLoad: (source: DecisionSource) => void;
  #loading: Promise<DecisionSource> | undefined;

  /** @param onLoad is given the source that takes this one's place */
  constructor(load: () => Promise<DecisionSource>, onLoad: (source: DecisionSource) => void) {
    this.#load = load;
    this.#onLoad = onLoad;
  }

  /** Nothing is known before the source is there. */
  readonly isRegistered = false;

  async register(cancellation: Cancellation): Promise<SourcedVerdict> {
    return (await this.#source(cancellation)).register(cancellation);
  }

  forgetRegistration(): void {
    // It has none to forget: what it stands for is not there yet.
  }

  async decide(cancellation: Cancellation, isStrict: boolean): Promise<SourcedVerdict> {
    return (await this.#source(cancellation)).decide(cancellation, isStrict);
  }

  #source(cancellation: Cancellation): Promise<DecisionSource> {
    this.#loading ??= this.#load().then(
      (source) => {
        this.#onLoad(source);
        return source;
      },
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    const loading = this.#loading;
    return new Promise((resolve, reject) => {
      if (cancellation.isCancelled) reject(cancellation.reason);
      cancellation.onCancel(reject);
      loading.then(resolve, reject);
    });
  }
}
