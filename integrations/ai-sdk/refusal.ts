import { denialPayload } from "../../src/index.ts";
import type { ExecutionStoppedError } from "../../src/index.ts";

/**
 * What a guarded tool throws with `onDeny: "refuse"`. The model reads its
 * message, which is {@link denialPayload} as JSON and nothing else;
 * `cause` holds the refusal, where `findExecutionStopped` finds it.
 */
export class ToolRefusedError extends Error {
  declare readonly cause: ExecutionStoppedError;

  constructor(cause: ExecutionStoppedError) {
    super(JSON.stringify(denialPayload(cause)), { cause });
    this.name = "ToolRefusedError";
  }

  /** Some versions of the SDK show this to the model, others the message. */
  override toString(): string {
    return this.message;
  }
}
