import type { DeviceRecord } from "./records.ts";
import type { Caller, Refused } from "./caller.ts";

/** One audit chain: where it begins and where it ends. */
export interface AuditChain {
  readonly id: number;
  /** Empty for what concerns no org, such as the administrator's key. */
  readonly orgId: string;
  /** Who writes this chain: one replica of the authority. Letters, digits and hyphens. */
  readonly writer: string;
  /** Entries up to this number were removed when they were old; 0 for none. */
  readonly cut: number;
  /** JWS that stands for the entries that were removed; null for none. */
  readonly checkpoint: string | null;
  /** Number of its last entry; entries count from 1. */
  readonly seq: number;
  /** SHA-256 of its last entry, hex. */
  readonly head: string;
}

/** An audit entry as it was written. */
export interface AuditRow {
  readonly seq: number;
  /** One line of JSON. */
  readonly entry: string;
}

/** The audit of the caller's org. */
export interface AuditOpened {
  readonly kind: "audit";
  readonly orgId: string;
  /** In the order in which they were begun. */
  readonly chains: readonly AuditChain[];
}

/** The audit and what it must agree with, at one moment. */
export interface AuditSnapshot {
  readonly orgs: readonly {
    readonly orgId: string;
    readonly devices: readonly DeviceRecord[];
  }[];
  readonly chains: readonly AuditChain[];
}

/** Where a chain begins after its oldest entries were removed. */
export interface AuditCut {
  readonly chainId: number;
  /** The last entry to be removed. */
  readonly seq: number;
  /** JWS over that entry's place and hash. */
  readonly checkpoint: string;
}

/**
 * What an authority does with the audit besides writing it. A chain is opened by
 * its first entry; for a chain of an org, an entry `chain_open` in the same
 * writer's chain of no org says so.
 */
export interface AuditStore {
  /** The chains of the caller's org. */
  openAudit(caller: Caller): Promise<AuditOpened | Refused>;
  /** All chains, of all orgs and writers; or those of one org. */
  auditChains(orgId?: string): Promise<readonly AuditChain[]>;
  /** Entries of one chain that come after `afterSeq`, in order, at most `limit`. */
  auditRows(chainId: number, afterSeq: number, limit: number): Promise<readonly AuditRow[]>;
  /** All chains together with all devices, read as one. */
  auditSnapshot(): Promise<AuditSnapshot>;
  /**
   * Removes a chain's entries up to `seq`, and puts the checkpoint in their place,
   * as one. Cutting at the same place again replaces the checkpoint. A cut before
   * an earlier one, or behind the end, changes nothing.
   */
  cutAudit(cut: AuditCut): Promise<void>;
  /**
   * Calls a listener after entries that this process wrote became durable, and
   * returns what ends that. Of a store that is shared it does not tell all: who
   * needs them all also looks from time to time.
   */
  onAudit?(listener: () => void): () => void;
  /** Other processes write to this store, too. @default false */
  readonly isShared?: boolean;
}
