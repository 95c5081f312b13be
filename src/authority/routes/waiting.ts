import type { StopProgress, StopWait } from "../../wire/index.ts";
import { DEFAULT_STOP_TIMEOUT_MS } from "../../wire/index.ts";
import { waitFor } from "../leases/clock.ts";
import type { StopRecord } from "../leases/stop-record.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";

/** What a request that stops something says about waiting. */
export interface Waiting {
  readonly wait?: StopWait;
  readonly timeout_ms?: number;
}

/** What was stopped. */
interface Stopped {
  readonly version: number;
  readonly orgId: string;
  /** undefined: all of the org. */
  readonly deviceIds: readonly string[] | undefined;
}

/**
 * Refuses to wait where nobody knows how far a stop has come: before anything is changed.
 *
 * @throws Failure REQUEST_MALFORMED
 */
export function checkWaiting({ leases }: Services, { wait }: Waiting): void {
  if (wait === undefined || leases !== undefined) return;
  throw new Failure("REQUEST_MALFORMED", "wait: this authority's store keeps no leases.");
}

/**
 * How far a stop has come, after waiting for it as long as was asked for; nothing
 * when nobody asked.
 */
export async function settleStop(
  services: Services,
  stopped: Stopped,
  { wait, timeout_ms: timeoutMs = DEFAULT_STOP_TIMEOUT_MS }: Waiting,
): Promise<{ readonly stop?: StopProgress }> {
  const { leases } = services;
  if (wait === undefined || leases === undefined) return {};
  const signal = AbortSignal.timeout(timeoutMs);
  const { version, orgId, deviceIds } = stopped;
  const record = await leases.stopOf(version, orgId, deviceIds, signal);
  if (record === undefined) return { stop: unknownProgress(services, version) };
  const isWaited = wait !== "none";
  const settled = isWaited ? await leases.stops.settled(record, wait, signal) : record;
  return { stop: progressOf(services, settled) };
}

/** How far a stop has come by now. */
export function progressOf({ leases, now }: Services, record: StopRecord): StopProgress {
  const at = leases?.now() ?? 0;
  return {
    version: record.version,
    state: record.state,
    ...record.counts(at),
    deadline: new Date(now() + record.timeEnd - at).toISOString(),
  };
}

/** It was not learned of in time, so nobody knows whom it concerns. */
function unknownProgress({ leases, now }: Services, version: number): StopProgress {
  const deadline = new Date(now() + waitFor(leases?.waitMs ?? 0)).toISOString();
  return { version, state: "pending", holders: 0, fenced: 0, drained: 0, deadline };
}
