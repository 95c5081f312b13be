import { MAX_PAGE_SIZE } from "../../wire/index.ts";
import type { StopHolderAnswer } from "../../wire/index.ts";
import type { StopHolder } from "./stop-holder.ts";
import type { StopRecord } from "./stop-record.ts";

/** Devices that are named of one holder. */
const MOST_NAMED = 20;

/** Largest page, in bytes of holders; a client reads answers up to twice as large. */
const MOST_BYTES = 512 * 1024;

/** An instant by the monotonic clock, and the same as milliseconds since the epoch. */
export interface Now {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Whom a stop concerns, as far as this process knows. */
export function holderAnswers(record: StopRecord, now: Now): StopHolderAnswer[] {
  const at = now.monotonicMs;
  const wallOf = (instant: number): string => new Date(now.wallMs + instant - at).toISOString();
  const named = (devices: readonly string[]) => ({
    devices: devices.slice(0, MOST_NAMED),
    devices_total: devices.length,
  });
  const { strictDevices, strictUntil } = record;
  const strict: StopHolderAnswer = {
    kind: "strict",
    ...named(strictDevices),
    state: record.isFenced || at >= strictUntil ? "fenced" : "pending",
    until: wallOf(strictUntil),
  };
  const sessions = Array.from(record.holders.values(), (holder): StopHolderAnswer => {
    const { session, until, fencedAt, drainedAt, running } = holder;
    return {
      kind: "session",
      session: session.id,
      ...named(Array.from(holder.devices(), ([deviceId]) => deviceId)),
      state: stateOf(record, holder, at),
      until: until === 0 ? null : wallOf(until),
      fenced_at: isoOf(fencedAt),
      drained_at: isoOf(drainedAt),
      ...(running === undefined || running.all.length === 0 ? {} : { running: [...running.all] }),
    };
  });
  return strictDevices.length === 0 ? sessions : [...sessions, strict];
}

const isoOf = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString();

/** What it has said; and when it has not, why that may be. */
function stateOf(record: StopRecord, holder: StopHolder, at: number): StopHolderAnswer["state"] {
  if (holder.drainedAt !== undefined) return "drained";
  if (holder.fencedAt !== undefined) {
    return holder.session.connection === undefined ? "lost" : "fenced";
  }
  if (holder.session.connection === undefined) return "lost";
  return record.isFenced || holder.isFenced(at) ? "overdue" : "pending";
}

/** Holders from a place on, as many as an answer has room for; and where the next page begins, if there is one. */
export function holderPage(
  all: readonly StopHolderAnswer[],
  from: number,
): { readonly holders: readonly StopHolderAnswer[]; readonly next: number | null } {
  let end = from;
  let bytes = 0;
  for (const holder of all.slice(from, from + MAX_PAGE_SIZE)) {
    bytes += Buffer.byteLength(JSON.stringify(holder));
    if (end > from && bytes > MOST_BYTES) break;
    end += 1;
  }
  return { holders: all.slice(from, end), next: end < all.length ? end : null };
}

/** Whoever is asked lists them in the same order, so that pages fit together. */
export const inOrder = (holders: readonly StopHolderAnswer[]): StopHolderAnswer[] =>
  holders.toSorted((one, other) => orderOf(one).localeCompare(orderOf(other), "en"));

const orderOf = ({ kind, session = "", devices }: StopHolderAnswer): string =>
  `${kind} ${session} ${devices.join(" ")}`;
