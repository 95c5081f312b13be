import type { AuditEvent } from "../audit-entry.ts";
import type { AuditChain } from "../audit-store.ts";
import type { Change, ChangeNote } from "../changes.ts";
import type { AuditLedger, Ledger } from "../ledger.ts";
import type { LeaseTerms } from "../lease-store.ts";
import type { OrgUsage } from "../org-store.ts";
import type { OrgRecord } from "../records.ts";
import type { DeviceFact, Facts, KeyFact, Needs, OrgFact, SigningKeyFact } from "./facts.ts";
import { GroupDevices } from "./group-devices.ts";
import type { DeviceName } from "./group-devices.ts";
import { GroupKeys, GroupSigningKeys } from "./group-keys.ts";

/** An entry that is to be added to the audit chain of an org. */
export interface PendingEntry {
  readonly orgId: string;
  readonly event: AuditEvent;
}

/** What the operations of a group changed: the rows as they are to be, and what is gone. */
export interface ChangeSet {
  /** The revision it was decided at. Whatever was committed since makes it void. */
  readonly from: number;
  readonly version: number;
  readonly terms: LeaseTerms;
  readonly changes: readonly Change[];
  readonly entries: readonly PendingEntry[];
  readonly orgs: readonly OrgFact[];
  readonly keys: readonly KeyFact[];
  readonly signingKeys: readonly SigningKeyFact[];
  readonly devices: readonly DeviceFact[];
  readonly removed: readonly DeviceName[];
}

/**
 * What one group of operations works on: what was read for it, and what its steps
 * changed so far. Nothing of it is kept once the group is committed or not.
 */
export class GroupLedger implements Ledger {
  readonly audit: AuditLedger;
  readonly keys: GroupKeys;
  readonly devices: GroupDevices;
  readonly signingKeys: GroupSigningKeys;
  readonly #from: number;
  #version: number;
  #terms: LeaseTerms;
  readonly #orgs = new Map<string, OrgFact>();
  readonly #allOrgs: boolean;
  readonly #entries: PendingEntry[] = [];
  readonly #changes: Change[] = [];
  readonly #dirtyOrgs = new Set<string>();

  constructor(facts: Facts, needs: readonly Needs[]) {
    this.#from = facts.revision;
    this.#version = facts.version;
    this.#terms = facts.terms;
    this.#allOrgs = needs.some(({ allOrgs }) => allOrgs === true);
    const chained = needs.filter(({ chains }) => chains === true);
    this.audit = {
      append: (orgId, event) => void this.#entries.push({ orgId, event }),
      chains: (orgId): AuditChain[] => {
        if (!chained.some(({ keyHash = "" }) => this.#orgOf(keyHash) === orgId)) {
          throw new Error("the audit chains of the org were not asked for");
        }
        return facts.chains.filter((chain) => chain.orgId === orgId);
      },
    };
    for (const fact of facts.orgs) this.#orgs.set(fact.org.id, fact);
    this.keys = new GroupKeys(facts, needs, () => this.#version);
    this.signingKeys = new GroupSigningKeys(facts, needs);
    this.devices = new GroupDevices(
      facts,
      needs,
      (hash) => this.#orgOf(hash),
      (orgId, places) => this.#use(orgId, places),
    );
  }

  get version(): number {
    return this.#version;
  }

  get terms(): LeaseTerms {
    return this.#terms;
  }

  setTerms(terms: LeaseTerms): void {
    this.#terms = terms;
  }

  /** What was written to the audit. */
  get entries(): readonly PendingEntry[] {
    return this.#entries;
  }

  /** What was changed, or undefined when nothing was. */
  changeSet(): ChangeSet | undefined {
    const { devices, removed } = this.devices.changed();
    const keys = this.keys.changed();
    const orgs = [...this.#dirtyOrgs].map((orgId) => this.#org(orgId));
    const signingKeys = this.signingKeys.isChanged ? this.signingKeys.changed() : [];
    const rows = [this.#changes, devices, removed, keys, orgs, signingKeys];
    if (rows.every(({ length }) => length === 0)) return undefined;
    return {
      from: this.#from,
      version: this.#version,
      terms: this.#terms,
      changes: this.#changes,
      entries: this.#entries,
      orgs,
      keys,
      signingKeys,
      devices,
      removed,
    };
  }

  nextVersion(note: ChangeNote): number {
    this.#version += 1;
    this.#changes.push({ version: this.#version, ...note });
    return this.#version;
  }

  orgIds(): string[] {
    if (!this.#allOrgs) throw new Error("all orgs were not asked for");
    return [...this.#orgs.keys()];
  }

  org(orgId: string): OrgRecord | undefined {
    return this.#orgs.get(orgId)?.org;
  }

  usage(orgId: string): OrgUsage {
    const { org, devicesUsed } = this.#org(orgId);
    return { org, devicesUsed };
  }

  addOrg(org: OrgRecord): void {
    this.#orgs.set(org.id, { org, devicesUsed: 0, place: this.#version });
    this.keys.addOrg(org.id);
    this.devices.addOrg(org.id);
    this.#dirtyOrgs.add(org.id);
  }

  replaceOrg(org: OrgRecord): void {
    this.#orgs.set(org.id, { ...this.#org(org.id), org });
    this.#dirtyOrgs.add(org.id);
  }

  #use(orgId: string, places: number): void {
    const fact = this.#org(orgId);
    this.#orgs.set(orgId, { ...fact, devicesUsed: fact.devicesUsed + places });
    this.#dirtyOrgs.add(orgId);
  }

  #org(orgId: string): OrgFact {
    const fact = this.#orgs.get(orgId);
    if (fact === undefined) throw new Error(`the org ${orgId} was not asked for`);
    return fact;
  }

  #orgOf(hash: string): string | undefined {
    return this.keys.byHash(hash)?.orgId ?? undefined;
  }
}
