import type { KeyLedger, SigningKeyLedger } from "../ledger.ts";
import type { KeyRecord, SigningKeyRecord } from "../records.ts";
import type { Facts, KeyFact, Needs, SigningKeyFact } from "./facts.ts";

/** The keys that were read for a group of operations, and what became of them. */
export class GroupKeys implements KeyLedger {
  readonly #byHash = new Map<string, KeyFact>();
  readonly #byId = new Map<string, KeyFact>();
  /** Orgs whose keys are all known. */
  readonly #whole = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #version: () => number;
  #hasAdmin: boolean;

  /** @param version answers the version of the change that is under way */
  constructor(facts: Facts, needs: readonly Needs[], version: () => number) {
    this.#version = version;
    this.#hasAdmin = facts.hasAdminKey;
    for (const fact of facts.keys) this.#remember(fact);
    for (const { keyHash = "", orgKeys } of needs) {
      const orgId = this.byHash(keyHash)?.orgId;
      if (orgKeys === true && typeof orgId === "string") this.#whole.add(orgId);
    }
  }

  byHash(hash: string): KeyRecord | undefined {
    return this.#byHash.get(hash)?.key;
  }

  byId(id: string): KeyRecord | undefined {
    const fact = this.#byId.get(id);
    if (fact === undefined && this.#whole.size === 0) {
      throw new Error("the keys of the org were not asked for");
    }
    return fact?.key;
  }

  ofOrg(orgId: string): KeyRecord[] {
    if (!this.#whole.has(orgId)) throw new Error("the keys of the org were not asked for");
    return [...this.#byId.values()].flatMap(({ key }) => (key.orgId === orgId ? [key] : []));
  }

  hasAdmin(): boolean {
    return this.#hasAdmin;
  }

  add(key: KeyRecord): void {
    this.#remember({ key, place: this.#version() });
    this.#dirty.add(key.id);
    this.#hasAdmin ||= key.role === "admin";
  }

  replace(key: KeyRecord): void {
    const known = this.#byId.get(key.id);
    if (known === undefined) throw new Error(`the key ${key.id} was not asked for`);
    this.#remember({ ...known, key });
    this.#dirty.add(key.id);
  }

  /** Nothing of an org that is new was there to be read. */
  addOrg(orgId: string): void {
    this.#whole.add(orgId);
  }

  /** Keys that were made or changed. */
  changed(): KeyFact[] {
    return [...this.#dirty].flatMap((id) => this.#byId.get(id) ?? []);
  }

  #remember(fact: KeyFact): void {
    this.#byHash.set(fact.key.hash, fact);
    this.#byId.set(fact.key.id, fact);
  }
}

/** The signing keys that were read for a group of operations, and what became of them. */
export class GroupSigningKeys implements SigningKeyLedger {
  readonly #isAsked: boolean;
  readonly #byKid = new Map<string, SigningKeyRecord>();
  readonly #dirty = new Set<string>();

  constructor(facts: Facts, needs: readonly Needs[]) {
    this.#isAsked = needs.some(({ signingKeys }) => signingKeys === true);
    for (const key of facts.signingKeys) this.#byKid.set(key.kid, key);
  }

  list(): SigningKeyRecord[] {
    if (!this.#isAsked) throw new Error("the signing keys were not asked for");
    return [...this.#byKid.values()];
  }

  put(keys: readonly SigningKeyRecord[]): void {
    for (const key of keys) {
      this.#byKid.set(key.kid, key);
      this.#dirty.add(key.kid);
    }
  }

  /** Keys that were made or changed. */
  changed(): SigningKeyFact[] {
    return this.list()
      .map((key, index) => ({ key, place: index + 1 }))
      .filter(({ key }) => this.#dirty.has(key.kid));
  }

  get isChanged(): boolean {
    return this.#dirty.size > 0;
  }
}
