import type { DecisionSource } from "../decision-source.ts";
import type { HeldDevice } from "../held-device.ts";
import type { Holder } from "../holder.ts";
import { leaseSessionOf } from "./lease-holder.ts";
import type { LeaseClient } from "./lease-holder.ts";
import { LeaseSource } from "./lease-source.ts";

export type { LeaseClient } from "./lease-holder.ts";

export interface LeaseOptions {
  readonly client: LeaseClient;
  readonly holder: Holder;
  readonly device: HeldDevice;
  readonly registration: DecisionSource;
  readonly registers: boolean;
  readonly onChange: () => void;
}

/** Decides by leases. Loaded only when one is asked for. */
export function createLeaseSource({ client, holder, ...rest }: LeaseOptions): DecisionSource {
  return new LeaseSource({ ...rest, time: holder.time, session: leaseSessionOf(client, holder) });
}
