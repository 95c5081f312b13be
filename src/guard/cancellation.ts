/**
 * Tells one listener that what is waited for is no longer wanted. It is what an
 * `AbortSignal` is for, at a fraction of its cost: a check makes several, and
 * nobody outside the guard sees them.
 */
export interface Cancellation {
  readonly isCancelled: boolean;
  readonly reason: unknown;
  /** Sets the listener, in place of the one before. It is not called for what has already happened. */
  onCancel(listener: (reason: unknown) => void): void;
}
