import type { Channel, ChannelHandlers } from "../../client/index.ts";
import type { Timekeeper } from "../clock.ts";
import type { Holder } from "../holder.ts";
import type { GuardClient } from "../strict-source.ts";
import { LeaseChannel } from "./lease-channel.ts";
import { LeaseSession } from "./lease-session.ts";
import type { Schedule } from "./lease-session.ts";

/** Timers that keep no process alive. */
const scheduleQuietly: Schedule = (action, delayMs) => {
  const timer: { unref?: () => unknown } | number = setTimeout(action, delayMs);
  if (typeof timer === "object") timer.unref?.();
  return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
};

/** A client that can open a lease channel. */
export type LeaseClient = GuardClient & Required<Pick<GuardClient, "openLeaseChannel">>;

const sessions = new WeakMap<Holder, Map<Timekeeper, LeaseSession>>();

/**
 * The session of this process under a client's key: one, and one connection,
 * however many guards and devices.
 */
export function leaseSessionOf(
  client: LeaseClient,
  holder: Holder,
  time: Timekeeper,
): LeaseSession {
  let byTime = sessions.get(holder);
  if (byTime === undefined) sessions.set(holder, (byTime = new Map()));
  const known = byTime.get(time);
  if (known !== undefined) return known;
  const schedule = scheduleQuietly;
  const open = (handlers: ChannelHandlers): Promise<Channel> => client.openLeaseChannel(handlers);
  const channel = new LeaseChannel({ open, schedule });
  const session = new LeaseSession({
    numbers: holder.numbers,
    time,
    schedule,
    onBusy: () => channel.connect(session),
    onIdle: () => channel.disconnect(),
  });
  byTime.set(time, session);
  return session;
}
