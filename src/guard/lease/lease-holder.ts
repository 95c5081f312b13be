import type { Channel, ChannelHandlers } from "../../client/index.ts";
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

const sessions = new WeakMap<Holder, LeaseSession>();

/**
 * The session of this process under a client's key: one, and one connection,
 * however many guards and devices.
 */
export function leaseSessionOf(client: LeaseClient, holder: Holder): LeaseSession {
  const known = sessions.get(holder);
  if (known !== undefined) return known;
  const schedule = scheduleQuietly;
  const open = (handlers: ChannelHandlers): Promise<Channel> => client.openLeaseChannel(handlers);
  const channel = new LeaseChannel({ open, schedule });
  const session = new LeaseSession({
    numbers: holder.numbers,
    time: holder.time,
    schedule,
    onBusy: () => channel.connect(session),
    onIdle: () => channel.disconnect(),
  });
  sessions.set(holder, session);
  return session;
}
