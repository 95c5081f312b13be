import { randomUUID } from "node:crypto";
import type { Caller, KeyRecord, OrgRecord, Store } from "../../src/authority/index.ts";
import { createKey, createSecret, keyRecord } from "../../src/authority/keys.ts";
import { createOrgRecord } from "../../src/authority/plan.ts";
import type { KeyRole, Plan } from "../../src/wire/index.ts";

/** How the suite gets at one adapter. */
export interface StoreAdapter {
  /** Opens a store that is empty, or, given `again`, the one that was opened before. */
  open(again?: "again"): Promise<Store>;
  /** It keeps nothing once it is closed. @default false */
  readonly forgets?: boolean;
}

/** One store under test, with an administrator and a clock. */
export class StoreFixture {
  readonly #adapter: StoreAdapter;
  store: Store;
  readonly admin: KeyRecord;
  /** The authority's wall clock. */
  at = 1_800_000_000_000;

  private constructor(adapter: StoreAdapter, store: Store) {
    this.#adapter = adapter;
    this.store = store;
    this.admin = createKey("admin", null, this.at).record;
  }

  static async open(adapter: StoreAdapter): Promise<StoreFixture> {
    const fixture = new StoreFixture(adapter, await adapter.open());
    const org = createOrgRecord({}, fixture.at);
    await fixture.store.bootstrap({
      requestId: randomUUID(),
      at: fixture.at,
      adminKey: fixture.admin,
      org,
      ownerKey: createKey("owner", org.id, fixture.at).record,
      ownerKeyGiven: false,
    });
    return fixture;
  }

  async reopen(): Promise<void> {
    await this.store.close();
    this.store = await this.#adapter.open("again");
  }

  call(key: KeyRecord): Caller {
    return { keyHash: key.hash, requestId: randomUUID(), at: this.at };
  }

  async addOrg(plan: Plan): Promise<{ org: OrgRecord; key: KeyRecord }> {
    const org = createOrgRecord({ plan, name: `plan ${plan}` }, this.at);
    const { record } = createKey("owner", org.id, this.at);
    const created = await this.store.createOrg(this.call(this.admin), org, record);
    if (created.kind !== "org") throw new Error(`no org was made: ${created.kind}`);
    return { org, key: record };
  }

  /** Makes a key with an owner key. */
  async addKey(
    ownerKey: KeyRecord,
    role: KeyRole,
    terms: Partial<KeyRecord> = {},
  ): Promise<KeyRecord> {
    const { secret } = createSecret(role, this.at);
    const draft = keyRecord(secret, { role, orgId: null, ...terms });
    const created = await this.store.createKey(this.call(ownerKey), draft);
    if (created.kind !== "key") throw new Error(`no key was made: ${created.kind}`);
    return created.key;
  }

  /** The entries of an org's audit, in order. */
  async audit(orgId: string): Promise<Record<string, unknown>[]> {
    const chains = await this.store.auditChains();
    const chain = chains.find((each) => each.orgId === orgId);
    const rows = await this.store.auditRows(chain?.id ?? 0, 0, 1_000);
    return rows.map(({ entry }) => JSON.parse(entry) as Record<string, unknown>);
  }

  /** The code of a decision. */
  async codeOf(key: KeyRecord, deviceId: string): Promise<string> {
    const outcome = await this.store.validate(this.call(key), deviceId);
    return outcome.kind === "validated" ? outcome.decision.code : outcome.kind;
  }
}
