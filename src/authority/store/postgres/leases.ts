import type { Caller, Refused, UnknownKey } from "../caller.ts";
import type {
  DeviceDecided,
  DevicesDecided,
  LeaseAdmitted,
  LeaseStore,
  LeaseTerms,
  WantedTerms,
} from "../lease-store.ts";
import * as leases from "../operations/leases.ts";
import type { Replica } from "./replica.ts";

/**
 * What leases need of a database that replicas share. It does not say which
 * replicas there are, so that stops are answered by time alone.
 */
export class ReplicaLeases implements LeaseStore {
  readonly #replica: Replica;

  constructor(replica: Replica) {
    this.#replica = replica;
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
