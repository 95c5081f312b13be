import type { Boundary, Run } from "../../../src/index.ts";

/** How work that goes on is asked about. */
export interface WatchOptions {
  readonly recheckMs: number;
  /** Whether the authority decides, also where a lease would. */
  readonly strict: boolean;
}

/** Work that goes on under an allow. */
export interface Watched {
  readonly run: Run;
  readonly boundary: Boundary;
  /** Aborts when the asker has lost interest. */
  readonly signal: AbortSignal;
}

/**
 * Asks again about work that goes on. A refusal aborts the signal of its run, as
 * every refusal does; what listens to that signal ends the work.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #watched = new Set<Watched>();
  /** Those that are being asked about. */
  readonly #asked = new WeakSet<Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#timer !== undefined) return;
    const timer: unknown = setInterval(() => this.recheck(), this.#options.recheckMs);
    this.#timer = timer as ReturnType<typeof setInterval>;
    // On Node, an open call keeps the process alive by its transport, not by this.
    (timer as { unref?: () => void }).unref?.();
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Asks about everything now. Made in one turn, the checks share one request. */
  recheck(): void {
    for (const watched of this.#watched) void this.#ask(watched);
  }

  async #ask(watched: Watched): Promise<void> {
    if (this.#asked.has(watched)) return;
    this.#asked.add(watched);
    const { run, boundary, signal } = watched;
    try {
      // What the asker gave up may go on, and is asked about all the same.
      const asker = signal.aborted ? undefined : signal;
      await run.check(boundary, { signal: asker, strict: this.#options.strict });
    } catch {
      // A refusal has aborted the run's signal, which says all that there is to say.
    } finally {
      this.#asked.delete(watched);
    }
  }
}
