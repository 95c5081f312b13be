import type { Caller, Refused, UnknownKey } from "../caller.ts";
import type {
  DeviceDecided,
  DevicesDecided,
  LeaseAdmitted,
  LeaseMembership,
  LeaseStore,
  LeaseTerms,
  WantedTerms,
} from "../lease-store.ts";
import * as leases from "../operations/leases.ts";
import type { Replica } from "./replica.ts";

/** What leases need of a database that replicas share. */
export class ReplicaLeases implements LeaseStore {
  readonly membership: LeaseMembership;
  readonly #replica: Replica;

  constructor(replica: Replica) {
    this.#replica = replica;
    this.membership = replica.membership;
  }

  admitLeases(caller: Caller): Promise<LeaseAdmitted | Refused> {
    return this.#replica.decide(caller, [], (facts) => leases.admitLeases(facts, caller));
  }

  decideAll(
    caller: Caller,
    deviceIds: readonly string[],
    audits: (decided: DeviceDecided) => boolean,
  ): Promise<DevicesDecided | UnknownKey> {
    return this.#replica.decide(caller, deviceIds, (facts) =>
      leases.decideAll(facts, caller, deviceIds, audits),
    );
  }

  setTerms(caller: Pick<Caller, "requestId" | "at">, wanted: WantedTerms): Promise<LeaseTerms> {
    return this.#replica.change({}, (ledger) => leases.setTerms(ledger, caller, wanted));
  }

  lowerWait(
    caller: Pick<Caller, "requestId" | "at">,
    version: number,
    waitMs: number,
  ): Promise<LeaseTerms> {
    return this.#replica.change({}, (ledger) => leases.lowerWait(ledger, caller, version, waitMs));
  }
}
