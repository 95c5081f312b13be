import type { DecisionSource } from "../decision-source.ts";
import type { GuardEvent } from "../events.ts";
import type { HeldDevice } from "../held-device.ts";
import type { Holder } from "../holder.ts";
import type { GuardClient } from "../strict-source.ts";
import { offersLeases } from "./offers-leases.ts";
import { LeaseSource } from "./lease-source.ts";
import { leaseSessionOf } from "./session-of.ts";

export interface LeaseOptions {
  readonly client: GuardClient;
  readonly holder: Holder;
  readonly device: HeldDevice;
  /** Asks the authority by request. */
  readonly strict: DecisionSource;
  /** Whether a check has to register the device first. */
  readonly registers: boolean;
  /** Deadline of a check in milliseconds. */
  readonly timeoutMs: number;
  /** Whether `strict` will do where the authority offers no leases. */
  readonly isOptional: boolean;
  /** Called when something about the lease has changed. */
  readonly onChange: () => void;
  readonly onEvent: (event: GuardEvent) => void;
}

/** Finds where decisions come from for a guard that wants leases. Loaded only by one that does. */
export async function findSource(options: LeaseOptions): Promise<DecisionSource> {
  const { client, holder, device, strict, registers, timeoutMs, onChange, onEvent } = options;
  if (options.isOptional && !(await offersLeases(client, timeoutMs))) return strict;
  const { openLeaseChannel } = client;
  if (openLeaseChannel === undefined) return strict;
  const session = leaseSessionOf(holder, (handlers) =>
    Reflect.apply(openLeaseChannel, client, [handlers]),
  );
  const { time } = holder;
  const fallsBack = options.isOptional;
  const more = { fallsBack, timeoutMs, onChange, onEvent };
  return new LeaseSource({ session, device, time, strict, registers, ...more });
}
