import type { LeaseTerms } from "./lease-store.ts";

/** One change, as the change log holds it. */
export interface Change {
  /** Versions only grow, in the order in which changes were committed. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Empty for what concerns no org. */
  readonly orgId: string;
  /** As the audit calls it, and where that does not tell whom it denies, more exactly. */
  readonly operation: string;
  /** The devices that were changed; none when the change is one of the whole org. */
  readonly deviceIds: readonly string[];
  /** Of the call that made it; null where it was not noted. */
  readonly requestId: string | null;
}

/** What is told of a change when its version is taken. */
export type ChangeNote = Omit<Change, "version">;

/** A part of the change log. */
export interface ChangesRead {
  /** Version of the last change that was committed when the log was read. */
  readonly version: number;
  readonly terms: LeaseTerms;
  /**
   * In order. Versions follow each other without a gap; where one is missing
   * after the version asked for, the log was cut there, and the reader must read
   * anew what it keeps.
   */
  readonly changes: readonly Change[];
}

/** How changes are learned of, whichever replica made them. */
export interface ChangeFeed {
  /** Changes after a version, at most `limit`. The newest {@link CHANGES_KEPT} are kept. */
  changes(afterVersion: number, limit: number): Promise<ChangesRead>;
  /**
   * Tells of committed changes: a listener is called with the newest version,
   * which grows from call to call, soon after each commit. Several changes may
   * be told of at once, and which they are is in {@link ChangeFeed.changes}.
   *
   * @returns what ends it
   */
  onChange(listener: (version: number) => void): () => void;
}

/** So many of the newest changes are kept in the log. */
export const CHANGES_KEPT = 100_000;

/** Tells listeners of versions, each once and in order. */
export class ChangeListeners {
  readonly #listeners = new Set<(version: number) => void>();
  #told = 0;

  /** How many listen. */
  get size(): number {
    return this.#listeners.size;
  }

  add(listener: (version: number) => void): () => void {
    // A listener of its own, so that the same function may be added twice.
    const own = (version: number): void => listener(version);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Notes a version that was seen committed, and tells of it if it is news. */
  saw(version: number): void {
    if (version <= this.#told) return;
    this.#told = version;
    for (const listener of this.#listeners) listener(version);
  }
}
