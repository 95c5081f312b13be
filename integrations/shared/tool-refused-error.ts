import { denialPayload } from "../../src/index.ts";
import type { ExecutionStoppedError } from "../../src/index.ts";

/** What a model reads in place of a tool's result: {@link denialPayload} as JSON. */
export const refusalText = (error: Pick<ExecutionStoppedError, "code">): string =>
  JSON.stringify(denialPayload(error));

/**
 * What a guarded tool throws where a framework shows the error to the model. Its
 * message is {@link denialPayload} as JSON and nothing else; `cause` holds the
 * refusal, where `findExecutionStopped` finds it.
 */
export class ToolRefusedError extends Error {
  declare readonly cause: ExecutionStoppedError;

  constructor(cause: ExecutionStoppedError) {
    super(refusalText(cause), { cause });
    this.name = "ToolRefusedError";
  }

  /** Some frameworks show this to the model, others the message. */
  override toString(): string {
    return this.message;
  }
}
