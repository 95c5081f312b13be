import { randomUUID } from "node:crypto";
import type { Caller, Refused, UnknownKey } from "../caller.ts";
import type {
  DeviceDecided,
  DevicesDecided,
  LeaseAdmitted,
  LeaseMembership,
  LeaseStore,
  LeaseTerms,
  ReplicaAnswers,
  ReplicaStanding,
  StopReported,
  WantedTerms,
} from "../lease-store.ts";
import * as leases from "../operations/leases.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { FileLedger } from "./ledger.ts";
import type { StoredReplica } from "../rows.ts";

/** What leases need of a file that this process owns alone. */
export class FileLeases implements LeaseStore, LeaseMembership {
  readonly membership = this;
  readonly isExclusive = true;
  readonly #id = randomUUID();
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

  enter(): Promise<void> {
    return this.#put(this.#id, "in");
  }

  async leave(isClear: boolean): Promise<void> {
    if (isClear) await this.remove(this.#id);
  }

  /** Whoever else is there has ended: the file has one owner at a time. */
  async live(): Promise<ReplicaStanding> {
    const rows = await this.#commit.run((ledger) => ledger.replicas());
    const others = rows.filter(({ id }) => id !== this.#id);
    return { others: others.map((row) => ({ ...row, life: "over" })), unsettled: undefined };
  }

  markOut(id: string): Promise<void> {
    return this.#put(id, "out");
  }

  remove(id: string): Promise<void> {
    return this.#put(id, "gone");
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  report(): Promise<void> {
    return Promise.resolve();
  }

  async reported(versions: readonly number[]): Promise<readonly StopReported[]> {
    const areFenced = (await this.live()).others.length === 0;
    return versions.map((version) => ({
      version,
      areFenced,
      areDrained: areFenced,
      holders: 0,
      drained: 0,
    }));
  }

  onReport(): () => void {
    return () => undefined;
  }

  ask(): Promise<ReplicaAnswers> {
    return Promise.resolve({ answers: [], isComplete: true });
  }

  onQuestion(): () => void {
    return () => undefined;
  }

  #put(id: string, state: StoredReplica["state"] | "gone"): Promise<void> {
    return this.#commit.run((ledger) => ledger.putReplica(id, state));
  }
}
