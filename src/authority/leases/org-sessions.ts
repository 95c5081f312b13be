import * as z from "zod/mini";
import { deviceSessionsSchema, MAX_PAGE_SIZE } from "../../wire/index.ts";
import type { DeviceSessions } from "../../wire/index.ts";
import type { OrgSessionCounts } from "./session-counts.ts";

/** A page of an org's devices that have sessions: those after a device, in the order of their ids. */
const askedSchema = z.object({ orgId: z.string(), after: z.string() });
export type SessionsAsked = z.infer<typeof askedSchema>;

/** What one process knows of a page: one device more than it has room for, where there is one. */
export const sessionsKnownSchema = z.object({
  sessions: z.int(),
  devices: z.array(deviceSessionsSchema),
});
export type SessionsKnown = z.infer<typeof sessionsKnownSchema>;

export interface SessionPage {
  readonly sessions: number;
  readonly devices: readonly DeviceSessions[];
  /** The last device of it, where there is another page. */
  readonly next: string | null;
}

const byId = ({ deviceId: one }: DeviceSessions, { deviceId: other }: DeviceSessions): number =>
  one < other ? -1 : Number(one > other);

/** The first devices after one, found without putting all of them in order. */
export function sessionsAfter(
  { sessions, devices }: OrgSessionCounts,
  after: string,
): SessionsKnown {
  const most = MAX_PAGE_SIZE + 1;
  let first: string[] = [];
  let last: string | undefined;
  for (const deviceId of devices.keys()) {
    if (deviceId <= after || (last !== undefined && deviceId >= last)) continue;
    first.push(deviceId);
    // Now and then what is too many is left out: by then it is known which those are.
    if (first.length < 2 * most) continue;
    first = first.toSorted().slice(0, most);
    last = first.at(-1);
  }
  const named = first.toSorted().slice(0, most);
  return {
    sessions,
    devices: named.map((deviceId) => ({
      deviceId,
      sessions: 0,
      lost: 0,
      ...devices.get(deviceId),
    })),
  };
}

/** A page of what all processes know: each has said what it has of that page. */
export function sessionPage(known: readonly SessionsKnown[]): SessionPage {
  const devices = new Map<string, DeviceSessions>();
  for (const { deviceId, sessions, lost } of known.flatMap((each) => each.devices)) {
    const before = devices.get(deviceId) ?? { sessions: 0, lost: 0 };
    devices.set(deviceId, {
      deviceId,
      sessions: before.sessions + sessions,
      lost: before.lost + lost,
    });
  }
  const inOrder = [...devices.values()].toSorted(byId);
  const page = inOrder.slice(0, MAX_PAGE_SIZE);
  return {
    sessions: known.reduce((sum, { sessions }) => sum + sessions, 0),
    devices: page,
    next: inOrder.length > page.length ? (page.at(-1)?.deviceId ?? null) : null,
  };
}

/** What one process asks the others. */
export const sessionsSubject = (asked: SessionsAsked): string => JSON.stringify(asked);

/** What another asks; undefined when it asks for something else. @throws SyntaxError */
export function readSessionsSubject(subject: string): SessionsAsked | undefined {
  return subject.startsWith("{") ? askedSchema.safeParse(JSON.parse(subject)).data : undefined;
}
