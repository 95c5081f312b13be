import type { Caller, Refused, UnknownKey } from "../caller.ts";
import type {
  DeviceDecided,
  DevicesDecided,
  LeaseAdmitted,
  LeaseMembership,
  LeaseStore,
  LeaseTerms,
  ReplicaRow,
  WantedTerms,
} from "../lease-store.ts";
import * as leases from "../operations/leases.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { FileLedger } from "./ledger.ts";

/** What leases need of a file that this process owns alone. */
export class FileLeases implements LeaseStore, LeaseMembership {
  readonly membership = this;
  readonly #commit: GroupCommit<FileLedger>;

  constructor(commit: GroupCommit<FileLedger>) {
    this.#commit = commit;
  }

  admitLeases(caller: Caller): Promise<LeaseAdmitted | Refused> {
    return this.#commit.run((ledger) => leases.admitLeases(ledger, caller));
  }

  decideAll(
    caller: Caller,
    deviceIds: readonly string[],
    audits: (decided: DeviceDecided) => boolean,
  ): Promise<DevicesDecided | UnknownKey> {
    return this.#commit.run((ledger) => leases.decideAll(ledger, caller, deviceIds, audits));
  }

  setTerms(caller: Pick<Caller, "requestId" | "at">, wanted: WantedTerms): Promise<LeaseTerms> {
    return this.#commit.run((ledger) => leases.setTerms(ledger, caller, wanted));
  }

  lowerWait(
    caller: Pick<Caller, "requestId" | "at">,
    version: number,
    waitMs: number,
  ): Promise<LeaseTerms> {
    return this.#commit.run((ledger) => leases.lowerWait(ledger, caller, version, waitMs));
  }

  enterReplica(id: string): Promise<void> {
    return this.#put(id, "in");
  }

  markReplicaOut(id: string): Promise<void> {
    return this.#put(id, "out");
  }

  removeReplica(id: string): Promise<void> {
    return this.#put(id, "gone");
  }

  replicas(): Promise<readonly ReplicaRow[]> {
    return this.#commit.run((ledger) => ledger.replicas());
  }

  #put(id: string, state: ReplicaRow["state"] | "gone"): Promise<void> {
    return this.#commit.run((ledger) => ledger.putReplica(id, state));
  }
}
