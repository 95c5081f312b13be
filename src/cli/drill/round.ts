import type { MachineID } from "../../client/index.ts";
import { stopAnswerSchema, stopProgressSchema } from "../../wire/index.ts";
import type { StopProgress, StopWait } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import { printable } from "../output.ts";
import type { CanaryProcess } from "./canary-process.ts";
import { now } from "./canary.ts";

/** What one revoke did, in milliseconds from the moment it was sent. */
export interface Round {
  readonly version: number;
  /** Until the answer that nothing can begin any more. */
  readonly fencedMs: number;
  /** Until the last side effect began; 0 when none began after the revoke was sent. */
  readonly lastSideEffectMs: number;
  /** Until the answer that nothing runs any more. */
  readonly drainedMs: number;
  /** Side effects that began after the revoke was sent. */
  readonly sideEffects: number;
  /** How the promise was broken, if it was. */
  readonly broken: readonly string[];
}

export interface RoundOptions {
  readonly client: MachineID;
  readonly deviceId: string;
  readonly canary: CanaryProcess;
  /** How long it may take until nothing begins, in milliseconds. */
  readonly boundMs: number;
  readonly signal: AbortSignal;
}

interface Waited {
  readonly stop: StopProgress;
  readonly afterMs: number;
  readonly atNs: bigint;
}

const millisecondsOf = (nanoseconds: bigint): number => Number(nanoseconds) / 1e6;

/**
 * Revokes a canary that works, and measures what comes of it.
 *
 * @throws {@link CommandError} when the authority does not do it, or others hold the device too
 */
export async function revokeAndMeasure(options: RoundOptions): Promise<Round> {
  const { canary, boundMs, signal } = options;
  const sentNs = now();
  const stopped = canary.stopped(signal);
  // Both are one stop: whoever comes second waits for the version of the first.
  const [fenced, drained, beats] = await Promise.all([
    revoke(options, "fenced", sentNs),
    revoke(options, "drained", sentNs),
    stopped,
  ]);
  await refuseOthers(options, drained.stop.version);
  const since = beats.filter((beat) => beat > sentNs);
  const late = beats.filter((beat) => beat > fenced.atNs).length;
  const last = since.at(-1);
  const broken = [
    ...(fenced.stop.state === "pending" || fenced.afterMs > boundMs
      ? [`not fenced within ${boundMs} ms`]
      : []),
    ...(drained.stop.state === "drained" ? [] : [`not drained within ${boundMs} ms`]),
    ...(late === 0 ? [] : [`${late} side effects began after it was answered fenced`]),
  ];
  return {
    version: drained.stop.version,
    fencedMs: fenced.afterMs,
    lastSideEffectMs: last === undefined ? 0 : millisecondsOf(last - sentNs),
    drainedMs: drained.afterMs,
    sideEffects: since.length,
    broken,
  };
}

async function revoke(
  { client, deviceId, boundMs }: RoundOptions,
  wait: StopWait,
  sentNs: bigint,
): Promise<Waited> {
  const body = { deviceId, reason: "drill", wait, timeout_ms: boundMs };
  const answer = await client.request("revoke", body);
  const atNs = now();
  const done = expectDone(answer, `Revoking ${printable(deviceId)}`);
  const stop = stopProgressSchema.safeParse(done["stop"]);
  if (stop.success) return { stop: stop.data, afterMs: millisecondsOf(atNs - sentNs), atNs };
  throw new CommandError("The authority does not say how far the stop has come", {
    exitCode: EXIT.error,
    code: "AUTHORITY_MALFORMED",
    requestId: answer.requestId,
  });
}

/** A device that others work under is no canary: they have just been stopped, too. */
async function refuseOthers({ client, deviceId }: RoundOptions, version: number): Promise<void> {
  const { body } = await client.request("readStop", { version });
  const holders = stopAnswerSchema.safeParse(body).data?.holders ?? [];
  const sessions = holders.filter(
    ({ kind, state }) => kind === "session" && state !== "lost",
  ).length;
  if (sessions <= 1) return;
  throw new CommandError(
    `${sessions - 1} others worked under ${printable(deviceId)}, and were stopped. Drill with a device of its own`,
    { exitCode: EXIT.error, code: "CANARY_IN_USE" },
  );
}
