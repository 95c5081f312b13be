import { HANDLERS, MAX_PAGE_SIZE, readStopQuerySchema, ROUTES } from "../../wire/index.ts";
import type { StopHolderAnswer } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseQuery } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { isHolderFenced } from "../leases/stop-record.ts";
import type { StopHolder, StopRecord } from "../leases/stop-record.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";
import { progressOf } from "./waiting.ts";

/** How far a stop has come, with everybody whom it concerns. */
export function readStopRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.readStop;
  return {
    ...ROUTES.readStop,
    access: "stops:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { orgId } = visitor.accepted(await services.store.openStops(visitor.caller));
      const { version } = request.params as { readonly version: string };
      const record = /^\d{1,15}$/.test(version)
        ? await services.leases?.findStop(Number(version), orgId)
        : undefined;
      if (record === undefined) throw new Failure("STOP_NOT_FOUND");
      const { cursor = 0 } = parseQuery(readStopQuerySchema, request.query);
      const all = holdersOf(services, record);
      const holders = all.slice(cursor, cursor + MAX_PAGE_SIZE);
      const next = cursor + MAX_PAGE_SIZE < all.length ? String(cursor + MAX_PAGE_SIZE) : null;
      const stop = progressOf(services, record);
      return answer(reply, { status: "ok", handler, stop, holders, cursor: next });
    },
  };
}

/** Devices that are named of one holder. */
const MOST_NAMED = 20;

function holdersOf({ leases, now }: Services, record: StopRecord): StopHolderAnswer[] {
  const at = leases?.now() ?? 0;
  const wallOf = (instant: number): string => new Date(now() + instant - at).toISOString();
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
    const { session, devices, until, fencedAt, drainedAt } = holder;
    return {
      kind: "session",
      session: session.id,
      ...named([...devices.keys()]),
      state: stateOf(record, holder, at),
      until: until === 0 ? null : wallOf(until),
      fenced_at: fencedAt?.toISOString() ?? null,
      drained_at: drainedAt?.toISOString() ?? null,
    };
  });
  return strictDevices.length === 0 ? sessions : [...sessions, strict];
}

/** What it has said; and when it has not, why that may be. */
function stateOf(record: StopRecord, holder: StopHolder, at: number): StopHolderAnswer["state"] {
  if (holder.drainedAt !== undefined) return "drained";
  if (holder.fencedAt !== undefined) {
    return holder.session.connection === undefined ? "lost" : "fenced";
  }
  if (holder.session.connection === undefined) return "lost";
  return record.isFenced || isHolderFenced(holder, at) ? "overdue" : "pending";
}
