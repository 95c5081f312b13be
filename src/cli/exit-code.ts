/** What the process ends with. Programs decide on it, so the numbers never change. */
export const EXIT = {
  /** Allowed, or done. */
  ok: 0,
  /** It did not work, and the same call will not work again as it is. */
  error: 1,
  /** The call itself is wrong: an unknown command or option, a value that cannot be. */
  usage: 2,
  /** The authority answered, and its answer is no. */
  denied: 3,
  /** The authority gave no answer that decides anything. */
  unavailable: 4,
  /** Ended by Ctrl-C or a signal before it was done. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface CommandErrorDetails {
  readonly exitCode: ExitCode;
  /** Stable, for programs. */
  readonly code: string;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** A command that ends early. The message is one line: what is wrong, and what to do. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly requestId: string | undefined;

  constructor(message: string, { exitCode, code, requestId, cause }: CommandErrorDetails) {
    super(message, cause === undefined ? {} : { cause });
    this.exitCode = exitCode;
    this.code = code;
    this.requestId = requestId;
  }
}

/** The call itself is wrong. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";

  constructor(message: string) {
    super(message, { exitCode: EXIT.usage, code: "USAGE" });
  }
}
