import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { createGuard, findExecutionStopped } from "../../index.ts";
import type { Guard, GuardClient } from "../../index.ts";
import { leave, now } from "./side-effects.ts";

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
  /** Asks before every side effect; works under a lease otherwise. */
  readonly isStrict: boolean;
  /** File for its side effects. */
  readonly file: string;
  readonly say: (news: CanaryNews) => void;
}

/** Under a lease a check costs nothing; a service that is asked each time is not to be flooded. */
const BEAT_EVERY_MS = { lease: 1, strict: 50 } as const;

/**
 * A worker that does nothing but leave side effects, each behind a gate. Each line
 * `run` on stdin begins a run; the end of stdin ends it.
 */
export async function runCanary(options: CanaryOptions): Promise<void> {
  const { client, deviceId, checkTimeoutMs, isStrict } = options;
  const enforcement = isStrict ? "strict" : "lease";
  await using guard = createGuard(client, { deviceId, checkTimeoutMs, enforcement });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "run") options.say(await beatUntilStopped(guard, options));
  }
}

/** One run. It is drained when its body has settled, which its signal brings about. */
async function beatUntilStopped(guard: Guard, options: CanaryOptions): Promise<CanaryNews> {
  const { file, isStrict, say } = options;
  const run = guard.run();
  let isBeating = false;
  try {
    await run.protect({ kind: "task", name: "canary" }, async (signal) => {
      while (!signal.aborted) {
        const askedNs = now();
        const beat = (): void => leave(file, askedNs);
        await run.protect({ kind: "side_effect", name: "heartbeat" }, beat);
        if (!isBeating) say({ type: "beating" });
        isBeating = true;
        await delay(BEAT_EVERY_MS[isStrict ? "strict" : "lease"]);
      }
    });
  } catch (error) {
    if (findExecutionStopped(error) === undefined) throw error;
  }
  const code = run.stopped?.code ?? "RUN_STOPPED";
  return isBeating ? { type: "stopped", code } : { type: "refused", code };
}
