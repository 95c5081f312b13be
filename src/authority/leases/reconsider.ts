import type { DeviceDecided, LeaseTerms } from "../store/lease-store.ts";
import { ChangeFrames } from "./frames.ts";
import type { HeldSession } from "./held-session.ts";
import type { Leases } from "./leases.ts";
import { StopHolder } from "./stop-holder.ts";

/** A change of which only a decision can say whom it denies. */
export interface Reconsidered {
  readonly version: number;
  /** Whose it was; undefined: nobody knows, and no account of it is kept. */
  readonly orgId: string | undefined;
  readonly terms: LeaseTerms;
  readonly requestId: string;
}

const AT_ONCE = 500;

/**
 * Decides anew for sessions after a key, a plan or an org was changed, and stops
 * those devices of theirs that are denied from now on.
 */
export async function reconsider(
  leases: Leases,
  sessions: readonly HeldSession[],
  change: Reconsidered,
): Promise<void> {
  for (let from = 0; from < sessions.length; from += AT_ONCE) {
    const part = sessions.slice(from, from + AT_ONCE);
    await Promise.all(part.map((session) => reconsiderOne(leases, session, change)));
    leases.fanOut.flush();
  }
  const record = leases.stops.get(change.version);
  if (record !== undefined && record.orgId === change.orgId) leases.stops.gathered(record);
}

async function reconsiderOne(
  leases: Leases,
  session: HeldSession,
  { version, orgId, terms, requestId }: Reconsidered,
): Promise<void> {
  const { keyHash } = session;
  const deviceIds = [...session.devices.keys()];
  // Devices that were told a denial have nothing to lose.
  const isNews = ({ deviceId, code }: DeviceDecided): boolean =>
    code !== "ALLOW" && session.devices.get(deviceId)?.told === "ALLOW";
  const allowed: string[] = [];
  const denied = new Map<string, string[]>();
  await leases.reader.read({ keyHash, requestId, deviceIds }, isNews, (outcome) => {
    const decided =
      outcome.kind === "devices_decided"
        ? outcome.decided
        : deviceIds.map((deviceId) => ({ deviceId, code: "ORG_KEY_INVALID" }));
    const isKeyOver = outcome.kind === "unknown_key";
    const now = leases.now();
    for (const { deviceId, code } of decided) {
      const { told, holding } = session.devices.get(deviceId) ?? {};
      // A renewal may have told of the end of the key before, and what ran goes on.
      const wasAllowed =
        told === "ALLOW" ||
        (holding !== undefined && holding.until > now) ||
        (isKeyOver && session.mayRun(deviceId));
      if (code === "ALLOW" && told !== "ALLOW") allowed.push(deviceId);
      if (code !== "ALLOW" && wasAllowed) denied.set(code, [...(denied.get(code) ?? []), deviceId]);
    }
  });
  const stopped = [...denied.values()].flat();
  if (stopped.length > 0 && orgId !== undefined) {
    const holder = StopHolder.of(session, new Set(stopped), version, leases.now());
    const stop = { version, orgId, deviceIds: undefined };
    const record =
      leases.stops.get(version) ??
      leases.stops.begin(stop, { waitMs: terms.waitMs, scope: "log", isDecided: true });
    if (holder !== undefined) leases.stops.add(record, holder);
  }
  const { connection } = session;
  if (connection === undefined) return;
  for (const [code, devices] of denied) {
    for (const deviceId of devices) {
      const device = session.devices.get(deviceId);
      if (device !== undefined) device.told = code;
    }
    leases.fanOut.push(
      connection,
      ChangeFrames.ofStop({ version, code, requestId }).for(devices),
      "stop",
    );
  }
  const watched = allowed.filter((deviceId) => session.devices.get(deviceId)?.isWatched === true);
  if (watched.length > 0) {
    leases.fanOut.push(connection, ChangeFrames.ofRestore(version).for(watched), "hint");
  }
}
