import * as z from "zod/mini";
import { deviceSessionsSchema, MAX_PAGE_SIZE } from "../../wire/index.ts";
import type { DeviceSessions } from "../../wire/index.ts";
import type { HeldSessions } from "./held-sessions.ts";

/** A page of an org's devices that have sessions: those after a device, in the order of their ids. */
const askedSchema = z.object({ orgId: z.string(), after: z.string() });
export type SessionsAsked = z.infer<typeof askedSchema>;

const countsSchema = z.object({
  /** All that are connected. */
  sessions: z.int(),
  /** One more than a page has room for, where there are as many. */
  devices: z.array(deviceSessionsSchema),
});
export type SessionCounts = z.infer<typeof countsSchema>;

export interface SessionPage {
  readonly sessions: number;
  readonly devices: readonly DeviceSessions[];
  /** The last device of it, where there is another page. */
  readonly next: string | null;
}

const byId = ({ deviceId: one }: DeviceSessions, { deviceId: other }: DeviceSessions): number =>
  one < other ? -1 : Number(one > other);

/** What this process knows. */
export function countSessions(
  all: HeldSessions,
  { orgId, after }: SessionsAsked,
  now: number,
): SessionCounts {
  const devices: DeviceSessions[] = [];
  const later = all.deviceIds(orgId).filter((deviceId) => deviceId > after);
  for (const deviceId of later.toSorted()) {
    let sessions = 0;
    let lost = 0;
    for (const session of all.concerned(orgId, new Set([deviceId]))) {
      const isInUse = session.endOf(deviceId, Number.POSITIVE_INFINITY, now) !== undefined;
      if (!isInUse && !session.mayRun(deviceId)) continue;
      if (session.connection === undefined) lost += 1;
      else sessions += 1;
    }
    if (sessions + lost > 0) devices.push({ deviceId, sessions, lost });
    if (devices.length > MAX_PAGE_SIZE) break;
  }
  let connected = 0;
  for (const { connection } of all.ofOrg(orgId)) if (connection !== undefined) connected += 1;
  return { sessions: connected, devices };
}

/** A page of what all processes know: each has said what it has of that page. */
export function sessionPage(counts: readonly SessionCounts[]): SessionPage {
  const devices = new Map<string, DeviceSessions>();
  for (const { deviceId, sessions, lost } of counts.flatMap((each) => each.devices)) {
    const known = devices.get(deviceId) ?? { sessions: 0, lost: 0 };
    devices.set(deviceId, {
      deviceId,
      sessions: known.sessions + sessions,
      lost: known.lost + lost,
    });
  }
  const inOrder = [...devices.values()].toSorted(byId);
  const page = inOrder.slice(0, MAX_PAGE_SIZE);
  return {
    sessions: counts.reduce((sum, { sessions }) => sum + sessions, 0),
    devices: page,
    next: inOrder.length > page.length ? (page.at(-1)?.deviceId ?? null) : null,
  };
}

/** What one process asks the others. */
export const sessionsSubject = (asked: SessionsAsked): string => JSON.stringify(asked);

/** What another asks; undefined when it asks for something else. */
export function readSessionsSubject(subject: string): SessionsAsked | undefined {
  return subject.startsWith("{") ? askedSchema.safeParse(JSON.parse(subject)).data : undefined;
}

/** What others answered; what cannot be read is left out. */
export function readSessionCounts(texts: readonly string[]): SessionCounts[] {
  return texts.flatMap((text) => countsSchema.safeParse(JSON.parse(text)).data ?? []);
}
