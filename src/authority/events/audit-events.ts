import { auditEntrySchema } from "../../wire/index.ts";
import type { OrgEvent } from "../../wire/index.ts";
import type { AuditChain, AuditRow, AuditStore } from "../store/audit-store.ts";
import type { ChangeFeed } from "../store/changes.ts";
import type { Cursor } from "./cursor.ts";
import type { EventPage, EventSource, PlacedEvent } from "./event-source.ts";

/** How often a store is looked at that does not tell of everything itself. */
const LOOK_EVERY_MS = 500;

type AuditReading = Pick<AuditStore, "auditChains" | "auditRows" | "onAudit" | "isShared"> &
  Pick<ChangeFeed, "onChange">;

/** The audit, read as events: every change and every decision is in it before it is answered. */
export function auditEvents(store: AuditReading): EventSource {
  return {
    async end(orgId) {
      const chains = await store.auditChains(orgId);
      return new Map(chains.map(({ id, seq }) => [id, seq]));
    },
    async read(orgId, after, limit) {
      return readPage(store, await store.auditChains(orgId), after, limit);
    },
    onNews(listener) {
      const ends = store.onAudit === undefined ? [] : [store.onAudit(listener)];
      if (store.onAudit === undefined || store.isShared === true) {
        // Of what others wrote, changes are heard of at once, and decisions by looking.
        const timer = setInterval(listener, LOOK_EVERY_MS).unref();
        ends.push(
          store.onChange(() => listener()),
          () => clearInterval(timer),
        );
      }
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

async function readPage(
  store: AuditReading,
  chains: readonly AuditChain[],
  after: Cursor,
  limit: number,
): Promise<EventPage> {
  const cursor = new Map<number, number>();
  for (const { id } of chains) cursor.set(id, after.get(id) ?? 0);
  const events: PlacedEvent[] = [];
  let isBroken = false;
  let hasMore = false;
  for (const { id, seq: end } of chains) {
    const from = cursor.get(id) ?? 0;
    if (from > end) {
      // The store is older than what the reader has seen: it was restored.
      isBroken = true;
      cursor.set(id, end);
    }
    const wanted = Math.min(limit - events.length, end - from);
    if (wanted <= 0) {
      hasMore ||= from < end;
      continue;
    }
    const rows = await store.auditRows(id, from, wanted);
    // What was cut off the audit's beginning can be told no more.
    if (rows[0]?.seq !== from + 1) isBroken = true;
    for (const row of rows) {
      cursor.set(id, row.seq);
      events.push({ event: eventFrom(row), cursor: new Map(cursor) });
    }
    const last = rows.at(-1)?.seq ?? end;
    cursor.set(id, last);
    hasMore ||= last < end;
  }
  return { events, cursor, isBroken, hasMore };
}

function eventFrom({ entry }: AuditRow): OrgEvent {
  const { at, by, op, request_id, version, deviceId, deviceIds, code, detail } =
    auditEntrySchema.parse(JSON.parse(entry));
  return {
    type: op === "validate" ? "decision" : "change",
    operation: op,
    at: new Date(at).toISOString(),
    by,
    request_id,
    version,
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(deviceIds === undefined ? {} : { deviceIds }),
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
  };
}
