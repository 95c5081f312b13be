import type { ArgsDef } from "citty";
import { MAX_STOP_TIMEOUT_MS, stopProgressSchema } from "../wire/index.ts";
import type { StopProgress } from "../wire/index.ts";
import { readDuration } from "./arguments.ts";
import { EXIT, UsageError } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { counted, paint, print, printError } from "./output.ts";

/** Arguments of every command that stops something. */
export const WAITING_ARGUMENTS = {
  wait: {
    type: "string",
    description: "Answer once it is fenced (nothing begins any more) or drained (nothing runs)",
    valueHint: "fenced|drained",
  },
  timeout: {
    type: "string",
    description: "With --wait: wait no longer than this, as 30s",
    default: "15s",
    valueHint: "TIME",
  },
} as const satisfies ArgsDef;

export interface WaitingArguments {
  readonly wait?: string | undefined;
  readonly timeout: string;
}

/** How long the answer is to wait, as the request says it. @throws {@link UsageError} */
export function readWaiting({ wait, timeout }: WaitingArguments): {
  readonly wait?: string;
  readonly timeout_ms?: number;
} {
  if (wait === undefined) return {};
  if (wait !== "fenced" && wait !== "drained") {
    throw new UsageError(`--wait must be fenced or drained, not ${JSON.stringify(wait)}`);
  }
  const timeoutMs = readDuration(timeout, "--timeout");
  if (timeoutMs <= MAX_STOP_TIMEOUT_MS) return { wait, timeout_ms: timeoutMs };
  throw new UsageError(`--timeout must be at most ${MAX_STOP_TIMEOUT_MS / 60_000}m`);
}

/** Says how far a stop has come, in one line. */
export function describeStop({ version, state, holders, fenced, drained }: StopProgress): string {
  const said = paint(state === "pending" ? "yellow" : "green", state);
  return `stop ${version} ${said}: of ${counted(holders, "holder")} ${fenced} fenced and ${drained} drained`;
}

/**
 * Tells how far the stop has come that an answer tells of. What was waited for in
 * vain is an error: it is stopped, and something may run yet.
 */
export function tellStop(
  body: Readonly<Record<string, unknown>>,
  { wait }: Pick<WaitingArguments, "wait">,
  json: boolean,
): ExitCode {
  if (wait === undefined) return EXIT.ok;
  const read = stopProgressSchema.safeParse(body["stop"]);
  if (!read.success) {
    printError(
      "machineid: This authority does not say how far a stop has come. It is carried out at each next check",
    );
    return EXIT.error;
  }
  const { version, state, deadline } = read.data;
  if (!json) print(describeStop(read.data));
  if (state === wait || state === "drained") return EXIT.ok;
  printError(
    state === "pending"
      ? `machineid: Not ${wait} in time. It is fenced by ${deadline}; machineid stops ${version} shows who holds it up`
      : `machineid: Not drained in time. Nothing begins any more; machineid stops ${version} shows what may still run`,
  );
  return EXIT.error;
}
