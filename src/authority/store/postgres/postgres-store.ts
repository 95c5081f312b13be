import type { KeyRotation, KeySecret } from "../../key-lifecycle.ts";
import type { AuditCut } from "../audit-store.ts";
import type { Caller, ChangeOptions, Refused, RestoreOptions } from "../caller.ts";
import type {
  DevicePage,
  DeviceSelection,
  DevicesListed,
  RegisterOptions,
  RevocationOptions,
} from "../device-store.ts";
import { StoreSchemaError, StoreUnavailableError } from "../errors.ts";
import type { KeyDraft } from "../key-store.ts";
import type { Ledger } from "../ledger.ts";
import * as admin from "../operations/admin.ts";
import { openAudit } from "../operations/audit.ts";
import * as devices from "../operations/devices.ts";
import * as keys from "../operations/keys.ts";
import * as orgs from "../operations/orgs.ts";
import { setRevoked } from "../operations/revocation.ts";
import * as signing from "../operations/signing.ts";
import type { AdminKeyRotation, OpenedPart, OrgPatch, OrgPolicy } from "../org-store.ts";
import type { KeyRecord, OrgRecord, SigningKeyRecord } from "../records.ts";
import type { Bootstrap, Store } from "../store.ts";
import type { PostgresSettings } from "./options.ts";
import { cutChain, readChains, readRows, readSnapshot } from "./log-reader.ts";
import { migrate } from "./migrate.ts";
import { ReplicaLeases } from "./leases.ts";
import { Replica } from "./replica.ts";

/** Opens the store that `postgresStore` promises. */
export async function openPostgresStore(settings: PostgresSettings): Promise<Store> {
  await migrate(settings);
  const store = new PostgresStore(settings);
  try {
    await store.ready();
    return store;
  } catch (error) {
    await store.close();
    throw error instanceof StoreUnavailableError && error.cause instanceof StoreSchemaError
      ? error.cause
      : error;
  }
}

class PostgresStore implements Store {
  readonly isShared = true;
  readonly #replica: Replica;
  readonly leases: ReplicaLeases;
  readonly #decisionTimeoutMs: number;

  constructor(settings: PostgresSettings) {
    this.#replica = new Replica(settings);
    this.leases = new ReplicaLeases(this.#replica);
    this.#decisionTimeoutMs = settings.decisionTimeoutMs;
  }

  validate(caller: Caller, deviceId: string, auditAllow = true) {
    return this.#replica.validate(caller, deviceId, auditAllow);
  }

  register(caller: Caller, deviceId: string, options?: RegisterOptions) {
    // It is a decision, too: who asks for it waits no longer than for others.
    return this.#replica.change(
      caller,
      (ledger) => devices.register(ledger, caller, deviceId, options),
      { deviceIds: [deviceId] },
      this.#decisionTimeoutMs,
    );
  }

  setRevoked(
    caller: Caller,
    selection: DeviceSelection,
    revoked: boolean,
    options?: RevocationOptions,
  ) {
    const selected = "devicePattern" in selection ? { page: selection } : { deviceIds: selection };
    // Who asked for a restore is looked up where restores need two.
    return this.#replica.change(
      caller,
      (ledger) => setRevoked(ledger, caller, selection, revoked, options),
      { ...selected, orgKeys: !revoked },
    );
  }

  remove(caller: Caller, deviceId: string, options?: ChangeOptions) {
    return this.#replica.change(
      caller,
      (ledger) => devices.remove(ledger, caller, deviceId, options),
      {
        deviceIds: [deviceId],
      },
    );
  }

  async listDevices(caller: Caller, page: DevicePage = {}): Promise<DevicesListed | Refused> {
    const list = (ledger: Ledger) => ({
      listed: devices.listDevices(ledger, caller, page),
      orgId: ledger.keys.byHash(caller.keyHash)?.orgId ?? "",
    });
    const { listed, orgId } = await this.#replica.look(caller, list, { page });
    if (listed.kind !== "devices") return listed;
    const complete = listed.devices.map((device) => this.#replica.complete(orgId, device));
    return { ...listed, devices: complete };
  }

  usage(caller: Caller) {
    return this.#replica.look(caller, (ledger) => orgs.readUsage(ledger, caller));
  }

  openOrg(caller: Caller, part: OpenedPart) {
    return this.#replica.look(caller, (ledger) => orgs.openOrg(ledger, caller, part));
  }

  readOrg(caller: Caller) {
    return this.#replica.look(caller, (ledger) => orgs.readOrg(ledger, caller));
  }

  stopOrg(caller: Caller, options?: ChangeOptions) {
    return this.#replica.change(caller, (ledger) => orgs.stopOrg(ledger, caller, options));
  }

  resumeOrg(caller: Caller, options?: RestoreOptions) {
    return this.#replica.change(caller, (ledger) => orgs.resumeOrg(ledger, caller, options), {
      orgKeys: true,
    });
  }

  setOrgPolicy(caller: Caller, policy: OrgPolicy, options?: ChangeOptions) {
    return this.#replica.change(caller, (ledger) =>
      orgs.setOrgPolicy(ledger, caller, policy, options),
    );
  }

  createKey(caller: Caller, draft: KeyDraft, options?: ChangeOptions) {
    return this.#replica.change(
      caller,
      (ledger) => keys.createKey(ledger, caller, draft, options),
      {
        orgKeys: true,
      },
    );
  }

  listKeys(caller: Caller) {
    return this.#replica.look(caller, (ledger) => keys.listKeys(ledger, caller), { orgKeys: true });
  }

  revokeKey(caller: Caller, keyId: string, options?: ChangeOptions) {
    return this.#replica.change(
      caller,
      (ledger) => keys.revokeKey(ledger, caller, keyId, options),
      {
        orgKeys: true,
      },
    );
  }

  rotateKey(
    caller: Caller,
    keyId: string,
    secret: KeySecret,
    rotation: KeyRotation & ChangeOptions,
  ) {
    return this.#replica.change(
      caller,
      (ledger) => keys.rotateKey(ledger, caller, keyId, secret, rotation),
      { orgKeys: true },
    );
  }

  createOrg(caller: Caller, org: OrgRecord, ownerKey: KeyRecord) {
    return this.#replica.change(
      caller,
      (ledger) => admin.createOrg(ledger, caller, org, ownerKey),
      {
        orgId: org.id,
      },
    );
  }

  listOrgs(caller: Caller) {
    return this.#replica.look(caller, (ledger) => admin.listOrgs(ledger, caller), {
      allOrgs: true,
    });
  }

  changeOrg(caller: Caller, orgId: string, patch: OrgPatch, options?: ChangeOptions) {
    return this.#replica.change(
      caller,
      (ledger) => admin.changeOrg(ledger, caller, orgId, patch, options),
      { orgId },
    );
  }

  rotateAdminKey(caller: Caller, secret: KeySecret, rotation: AdminKeyRotation) {
    return this.#replica.change(caller, (ledger) =>
      admin.rotateAdminKey(ledger, caller, secret, rotation),
    );
  }

  authenticateAdmin(caller: Caller) {
    return this.#replica.look(caller, (ledger) => admin.authenticateAdmin(ledger, caller));
  }

  bootstrap(given: Bootstrap) {
    return this.#replica.change(
      { keyHash: given.ownerKey.hash },
      (ledger) => admin.bootstrap(ledger, given),
      { allOrgs: true },
    );
  }

  signingKeys() {
    return this.#replica.look({}, (ledger) => ledger.signingKeys.list(), { signingKeys: true });
  }

  addFirstSigningKey(caller: Pick<Caller, "requestId" | "at">, key: SigningKeyRecord) {
    return this.#replica.change({}, (ledger) => signing.addFirstSigningKey(ledger, caller, key), {
      signingKeys: true,
    });
  }

  rotateSigningKey(caller: Caller, next: SigningKeyRecord, overlapMs: number) {
    return this.#replica.change(
      caller,
      (ledger) => signing.rotateSigningKey(ledger, caller, next, overlapMs),
      { signingKeys: true },
    );
  }

  openAudit(caller: Caller) {
    return this.#replica.look(caller, (ledger) => openAudit(ledger, caller), { chains: true });
  }

  ready() {
    return this.#replica.ready();
  }

  auditSnapshot() {
    return this.#replica.atLength((connection, ms) => readSnapshot(connection, ms));
  }

  cutAudit(cut: AuditCut) {
    return this.#replica.logs((connection, ms) => cutChain(connection, cut, ms));
  }

  auditChains(orgId?: string) {
    return this.#replica.logs((connection, ms) => readChains(connection, orgId, ms));
  }

  auditRows(chainId: number, afterSeq: number, limit: number) {
    return this.#replica.logs((connection, ms) =>
      readRows(connection, chainId, afterSeq, limit, ms),
    );
  }

  changes(afterVersion: number, limit: number) {
    return this.#replica.changes(afterVersion, limit);
  }

  onChange(listener: (version: number) => void) {
    return this.#replica.onChange(listener);
  }

  onAudit(listener: () => void) {
    return this.#replica.onAudit(listener);
  }

  get statistics() {
    return this.#replica.statistics;
  }

  close() {
    return this.#replica.close();
  }
}
