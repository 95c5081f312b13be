import { setTimeout as delay } from "node:timers/promises";
import type { MonotonicClock } from "./clock.ts";
import type { StopRecord } from "./stop-record.ts";

const LOOK_MS = 10;

/** Waits until everybody who is connected has acknowledged these stops, or for so long. */
export async function collectAcknowledgements(
  stops: ReadonlySet<StopRecord>,
  clock: MonotonicClock,
  withinMs: number,
): Promise<void> {
  const isDue = (record: StopRecord): boolean =>
    [...record.holders.values()].some(
      (holder) => holder.session.connection !== undefined && !holder.isFenced(clock()),
    );
  const end = performance.now() + withinMs;
  while (performance.now() < end && [...stops].some(isDue)) await delay(LOOK_MS);
}
