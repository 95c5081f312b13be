import type { OpenLeaseChannel } from "../../client/index.ts";
import type { Holder } from "../holder.ts";
import { LeaseChannel } from "./lease-channel.ts";
import { LeaseSession } from "./lease-session.ts";
import type { Schedule } from "./lease-session.ts";
import { SelfCheck } from "./self-check.ts";

/** Timers that keep no process alive. */
const scheduleQuietly: Schedule = (action, delayMs) => {
  const timer: { unref?: () => unknown } | number = setTimeout(action, delayMs);
  if (typeof timer === "object") timer.unref?.();
  return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
};

const sessions = new WeakMap<Holder, LeaseSession>();

/**
 * The session of this process under a client's key: one, and one connection,
 * however many guards and devices.
 */
export function leaseSessionOf(holder: Holder, open: OpenLeaseChannel): LeaseSession {
  const known = sessions.get(holder);
  if (known !== undefined) return known;
  const { numbers, time, readDecision } = holder;
  const schedule = scheduleQuietly;
  const channel = new LeaseChannel({ open, schedule });
  const session = new LeaseSession({
    numbers,
    time,
    schedule,
    readDecision,
    onBusy: () => {
      channel.connect(session);
      selfCheck.start();
    },
    onIdle: () => {
      selfCheck.end();
      channel.disconnect();
    },
    onSilence: () => channel.cut(),
  });
  const selfCheck = new SelfCheck({
    holder,
    schedule,
    onResult: (isSound) => session.trust(isSound),
  });
  sessions.set(holder, session);
  return session;
}
