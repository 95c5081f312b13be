/** A way into guarded work under a framework, for its suite and for the coverage page. */
export interface Door {
  /** What would begin. */
  readonly door: string;
  /** How it is reached, and what guards it. */
  readonly entry: string;
  /** Whether it stays shut when there is no allow. */
  readonly closed: boolean;
  /** The bodies that are entered when all is allowed. @default model and search */
  readonly bodies?: readonly string[];
  /** How a refusal reaches the caller. */
  readonly surfaces: string;
  /** The caller's own abort is not seen here; a refusal is. */
  readonly missesAbort?: boolean;
  /** The test that tries it, when that is not the table's own suite. */
  readonly triedIn?: string;
  readonly note?: string;
}
