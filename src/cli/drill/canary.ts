import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { createGuard, findExecutionStopped } from "../../index.ts";
import type { Guard, GuardClient } from "../../index.ts";

/** What a canary tells, one JSON value on a line of its stdout. */
export type CanaryNews =
  /** The first side effect of a run has happened. */
  | { readonly type: "beating" }
  /** The run was stopped, and nothing of it runs any more. */
  | { readonly type: "stopped"; readonly code: string }
  /** The run could not begin. */
  | { readonly type: "refused"; readonly code: string };

export interface CanaryOptions {
  readonly client: GuardClient;
  readonly deviceId: string;
  readonly checkTimeoutMs: number;
  /** File in which every side effect leaves the instant at which it began: {@link now}, one a line. */
  readonly file: string;
  readonly say: (news: CanaryNews) => void;
}

/** Nanoseconds on the one monotonic clock that all processes of this machine share. */
export const now = (): bigint => process.hrtime.bigint();

const BEAT_EVERY_MS = 1;

/**
 * A worker that does nothing but leave side effects, each behind a gate, under a
 * lease. Each line `run` on stdin begins one; the end of stdin ends it.
 */
export async function runCanary(options: CanaryOptions): Promise<void> {
  const { client, deviceId, checkTimeoutMs } = options;
  await using guard = createGuard(client, { deviceId, checkTimeoutMs, enforcement: "lease" });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "run") options.say(await beatUntilStopped(guard, options));
  }
}

/** One run. It is drained when its body has settled, which its signal brings about. */
async function beatUntilStopped(guard: Guard, { file, say }: CanaryOptions): Promise<CanaryNews> {
  const run = guard.run();
  let isBeating = false;
  const beat = (): void => appendFileSync(file, `${now()}\n`);
  try {
    await run.protect({ kind: "task", name: "canary" }, async (signal) => {
      while (!signal.aborted) {
        await run.protect({ kind: "side_effect", name: "heartbeat" }, beat);
        if (!isBeating) say({ type: "beating" });
        isBeating = true;
        await delay(BEAT_EVERY_MS);
      }
    });
  } catch (error) {
    if (findExecutionStopped(error) === undefined) throw error;
  }
  const code = run.stopped?.code ?? "RUN_STOPPED";
  return isBeating ? { type: "stopped", code } : { type: "refused", code };
}
