import type { ExecutionStoppedError } from "./errors.ts";

/**
 * All that a model may learn of a refusal, in every integration: that it was
 * refused, the code, and that asking again is of no use.
 */
export interface DenialPayload {
  readonly reason: "execution_denied";
  readonly code: string;
  readonly retryable: false;
}

/** The payload of a refusal, for a conversation. */
export function denialPayload({ code }: Pick<ExecutionStoppedError, "code">): DenialPayload {
  return { reason: "execution_denied", code, retryable: false };
}
