import { denialPayload, ExecutionStoppedError } from "../../guard/index.ts";
import type { Guard } from "../../guard/index.ts";
import { readCall, readInput } from "./hook-input.ts";
import type { HookCall } from "./hook-input.ts";

/** What a hook's process says: nothing on an allow. */
export interface HookAnswer {
  /** 0: what stdout says decides. 2: the action is blocked, and stderr is the reason. */
  readonly exitCode: 0 | 2;
  readonly stdout?: string;
  readonly stderr?: string;
  /** What went wrong, for the person whose terminal it is. Never shown to the model. */
  readonly problem?: string;
}

export interface HookOptions {
  readonly input: AsyncIterable<Uint8Array>;
  /** Makes the guard that decides; may throw. */
  readonly makeGuard: () => Guard;
  /** How long everything together may take, reading included, in milliseconds. */
  readonly deadlineMs: number;
}

/** The code of a failure that is not the authority's. */
const FAILED = "RUN_STOPPED";

/**
 * Decides one call of a Claude Code hook, `PreToolUse` or `UserPromptSubmit`.
 * Never rejects: whatever goes wrong, the answer blocks.
 *
 * Claude Code blocks on a decision on stdout with exit code 0, and on exit code
 * 2 with a reason on stderr. Any other exit code lets the call through, so there
 * is none. An allow says nothing: the user's own permissions still apply.
 */
export async function answerHook({
  input,
  makeGuard,
  deadlineMs,
}: HookOptions): Promise<HookAnswer> {
  const signal = AbortSignal.timeout(deadlineMs);
  let call: HookCall;
  try {
    call = readCall(await untilAborted(readInput(input), signal));
  } catch (error) {
    // Which event it was is not known, and exit code 2 blocks any that can be blocked.
    return { exitCode: 2, stderr: reasonOf(FAILED), problem: wordsOf(error) };
  }
  try {
    const guard = makeGuard();
    const { tool } = call;
    const boundary =
      tool === undefined ? ({ kind: "model" } as const) : ({ kind: "tool", name: tool } as const);
    await untilAborted(guard.check(boundary, { signal }), signal);
    return { exitCode: 0 };
  } catch (error) {
    const code = ExecutionStoppedError.isInstance(error) ? error.code : FAILED;
    const stdout = JSON.stringify(refusalOf(call, reasonOf(code)));
    return { exitCode: 0, stdout, problem: wordsOf(error) };
  }
}

/** What Claude reads: the fixed payload, and nothing else. */
export const reasonOf = (code: string): string => JSON.stringify(denialPayload({ code }));

function refusalOf({ event }: HookCall, reason: string): object {
  if (event === "UserPromptSubmit") return { decision: "block", reason };
  return {
    hookSpecificOutput: {
      hookEventName: event,
      permissionDecision: "deny",
      permissionDecisionReason: reason,
    },
  };
}

const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("It took too long")), { once: true });
  });
  aborted.catch(() => undefined);
  work.catch(() => undefined);
  return Promise.race([work, aborted]);
}
