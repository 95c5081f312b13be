import type { AuthorityLogger } from "../services.ts";
import type { Change, ChangeFeed } from "../store/changes.ts";
import type { LeaseTerms } from "../store/lease-store.ts";

const PAGE = 500;
const AGAIN_MS = 100;

/** What is done with changes that were learned of. */
export interface TailHooks {
  /** In the order of their versions; the terms were read after each was committed. */
  readonly apply: (change: Change, terms: LeaseTerms) => void;
  /** What was changed up to a version is not known. */
  readonly lost: (version: number) => void;
  /** All that was read was applied. */
  readonly applied: () => void;
}

/** Follows the change log, whichever process writes it. */
export class ChangeTail {
  readonly #feed: ChangeFeed;
  readonly #hooks: TailHooks;
  readonly #logger: AuthorityLogger;
  /** Every change up to this version was applied. */
  #version = 0;
  #wanted = 0;
  #isReading = false;
  #end: (() => void) | undefined;
  #isClosed = false;
  readonly #waiting = new Set<{ readonly version: number; readonly resolve: () => void }>();

  constructor(feed: ChangeFeed, logger: AuthorityLogger, hooks: TailHooks) {
    this.#feed = feed;
    this.#hooks = hooks;
    this.#logger = logger;
  }

  get version(): number {
    return this.#version;
  }

  /** Begins at the end of the log, and answers the terms. @throws StoreUnavailableError */
  async start(): Promise<LeaseTerms> {
    const { version, terms } = await this.#feed.changes(Number.MAX_SAFE_INTEGER, 1);
    this.#version = version;
    this.#end = this.#feed.onChange((newest) => this.sawCommitted(newest));
    return terms;
  }

  /** A version was seen committed. */
  sawCommitted(version: number): void {
    if (version <= this.#wanted) return;
    this.#wanted = version;
    if (!this.#isReading) void this.#read();
  }

  /** Resolves when every change up to a version was applied. */
  reached(version: number, signal: AbortSignal): Promise<void> {
    if (this.#version >= version) return Promise.resolve();
    this.sawCommitted(version);
    return new Promise((resolve) => {
      const waiting = { version, resolve };
      this.#waiting.add(waiting);
      signal.addEventListener("abort", () => {
        this.#waiting.delete(waiting);
        resolve();
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#end?.();
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#version < this.#wanted && !this.#isClosed) {
        const { version, terms, changes } = await this.#feed.changes(this.#version, PAGE);
        this.#take(version, terms, changes);
      }
    } catch (error) {
      // Allows that lack what could not be read are waited for by time.
      this.#logger.warn({ err: error }, "the change log could not be read");
      setTimeout(() => {
        if (!this.#isClosed && !this.#isReading) void this.#read();
      }, AGAIN_MS).unref();
    } finally {
      this.#isReading = false;
    }
  }

  #take(newest: number, terms: LeaseTerms, changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.version !== this.#version + 1) this.#hooks.lost(change.version - 1);
      this.#hooks.apply(change, terms);
      this.#version = change.version;
    }
    if (changes.length < PAGE && this.#version < newest) {
      this.#hooks.lost(newest);
      this.#version = newest;
    }
    for (const waiting of this.#waiting) {
      if (waiting.version > this.#version) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
    this.#hooks.applied();
  }
}
