/** How a denial reaches the caller of a guarded entry. */
export type Surface =
  /** The denial itself is thrown. */
  | "denial"
  /** An error is thrown in which `findExecutionStopped` finds the denial. */
  | "wrapped"
  /** Nothing is thrown: the denial is in the result, or hidden. */
  | "result";

/** One way in, and whether it is closed once the authority says no. */
export interface Door {
  /** The function of `machineid-io/langchain` that makes the gate; empty where there is none. */
  readonly door: string;
  /** What is called, and how. */
  readonly entry: string;
  /** Whether the guarded body cannot begin after a denial. */
  readonly closed: boolean;
  readonly surfaces: Surface;
  readonly note?: string;
  /** The test that tries it, when that is not the table's own suite. */
  readonly triedIn?: string;
}
