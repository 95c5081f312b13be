import { setTimeout as delay } from "node:timers/promises";
import type { MachineID } from "../../client/index.ts";
import { stopAnswerSchema, stopProgressSchema } from "../../wire/index.ts";
import type { StopProgress, StopWait } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import { printable } from "../output.ts";
import type { CanaryProcess } from "./canary-process.ts";
import { now } from "./side-effects.ts";
import type { SideEffect } from "./side-effects.ts";

/** What one revoke did, in milliseconds from the moment it was sent. */
export interface Round {
  /** Of the stop; null where the authority counts none. */
  readonly version: number | null;
  /** Until the revoke was answered; null under leases, where its answer waits. */
  readonly answeredMs: number | null;
  /** Until the answer that nothing can begin any more; null without leases. */
  readonly fencedMs: number | null;
  /** Until the last side effect began; 0 when none began after the revoke was sent. */
  readonly lastSideEffectMs: number;
  /** Until the answer that nothing runs any more; null without leases. */
  readonly drainedMs: number | null;
  /** Side effects that began after the revoke was sent. */
  readonly sideEffects: number;
  /** How the promise was broken, if it was. */
  readonly broken: readonly string[];
}

export interface RoundOptions {
  readonly client: MachineID;
  readonly deviceId: string;
  readonly canary: CanaryProcess;
  /** How long it may take until nothing begins, in milliseconds; undefined without leases. */
  readonly boundMs: number | undefined;
  readonly signal: AbortSignal;
}

/** A round whose side effects are still to be looked at. */
export interface Revoked extends Omit<Round, "lastSideEffectMs" | "sideEffects"> {
  readonly sentNs: bigint;
  /** Whether a side effect came after the authority had promised that none would. */
  readonly isLate: (effect: SideEffect) => boolean;
  /** How such side effects broke it, said after their number. */
  readonly promise: string;
}

interface Waited {
  readonly stop: StopProgress;
  readonly afterMs: number;
  readonly atNs: bigint;
}

/** For how long it is watched whether something comes after all, in milliseconds. */
const WATCH_MS = 50;

const millisecondsOf = (nanoseconds: bigint): number => Number(nanoseconds) / 1e6;

/**
 * Revokes a canary that works, and waits until it has obeyed.
 *
 * @throws {@link CommandError} when the authority does not do it, or others hold the device too
 */
export async function revokeAndWait(options: RoundOptions): Promise<Revoked> {
  const { boundMs } = options;
  const revoked =
    boundMs === undefined ? await revokeStrictly(options) : await revokeLeased(options, boundMs);
  await delay(WATCH_MS);
  return revoked;
}

/** Makes a round of what was revoked and the side effects until it was restored. */
export function judge(revoked: Revoked, effects: readonly SideEffect[]): Round {
  const { sentNs, isLate, promise, broken, ...measured } = revoked;
  const since = effects.filter(({ beganNs }) => beganNs > sentNs);
  const last = since.reduce((latest, { beganNs }) => (beganNs > latest ? beganNs : latest), sentNs);
  const late = since.filter((effect) => isLate(effect)).length;
  const effectsWord = late === 1 ? "side effect" : "side effects";
  return {
    ...measured,
    lastSideEffectMs: millisecondsOf(last - sentNs),
    sideEffects: since.length,
    broken: late === 0 ? broken : [...broken, `${late} ${effectsWord} ${promise}`],
  };
}

async function revokeLeased(options: RoundOptions, boundMs: number): Promise<Revoked> {
  const sentNs = now();
  // Both are one stop: whoever comes second waits for the version of the first.
  const [fenced, drained] = await together(
    options,
    waited(options, "fenced", boundMs, sentNs),
    waited(options, "drained", boundMs, sentNs),
  );
  await refuseOthers(options, drained.stop.version);
  const isFenced = fenced.stop.state !== "pending" && fenced.afterMs <= boundMs;
  return {
    sentNs,
    version: drained.stop.version,
    answeredMs: null,
    fencedMs: fenced.afterMs,
    drainedMs: drained.afterMs,
    isLate: ({ beganNs }) => beganNs > fenced.atNs,
    promise: "began after it was answered fenced",
    broken: [
      ...(isFenced ? [] : [`not fenced within ${boundMs} ms`]),
      ...(drained.stop.state === "drained" ? [] : [`not drained within ${boundMs} ms`]),
    ],
  };
}

/** All that is promised without leases: who asks after the answer is denied. */
async function revokeStrictly(options: RoundOptions): Promise<Revoked> {
  const { client, deviceId } = options;
  const sentNs = now();
  const answer = client.request("revoke", { deviceId, reason: "drill" }).then((given) => {
    const atNs = now();
    expectDone(given, `Revoking ${printable(deviceId)}`);
    return atNs;
  });
  const [atNs] = await together(options, answer);
  return {
    sentNs,
    version: null,
    answeredMs: millisecondsOf(atNs - sentNs),
    fencedMs: null,
    drainedMs: null,
    isLate: ({ askedNs }) => askedNs > atNs,
    promise: "asked after the revoke was answered, and was allowed",
    broken: [],
  };
}

/**
 * Resolves when the canary has stopped, too. Whatever goes wrong, no revoke is still
 * on its way then: it could arrive after the restore.
 */
async function together<T extends unknown[]>(
  { canary, signal }: RoundOptions,
  ...revokes: { [Index in keyof T]: Promise<T[Index]> }
): Promise<T> {
  const stopped = canary.stopped(signal);
  const [, ended] = await Promise.allSettled([Promise.allSettled(revokes), stopped]);
  const answers = await Promise.all(revokes);
  if (ended.status === "rejected") throw ended.reason;
  return answers;
}

async function waited(
  { client, deviceId }: RoundOptions,
  wait: StopWait,
  boundMs: number,
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
