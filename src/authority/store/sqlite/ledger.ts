import type { DatabaseSync } from "node:sqlite";
import { CHANGES_KEPT } from "../changes.ts";
import type { Change, ChangeNote } from "../changes.ts";
import type { AuditSnapshot } from "../audit-store.ts";
import type { Ledger } from "../ledger.ts";
import type { LeaseTerms } from "../lease-store.ts";
import type { OrgUsage } from "../org-store.ts";
import type { OrgRecord } from "../records.ts";
import { AuditLog } from "./audit-log.ts";
import { DeviceTable } from "./device-table.ts";
import { KeyTable } from "./key-table.ts";
import { changeFromRow, orgFromRow, replicaFromRow } from "../rows.ts";
import type { StoredReplica } from "../rows.ts";
import { SigningKeyTable } from "./signing-key-table.ts";

function prepareStatements(database: DatabaseSync) {
  return {
    orgs: database.prepare("SELECT * FROM orgs ORDER BY rowid"),
    meta: database.prepare("SELECT value FROM meta WHERE name = ?"),
    setMeta: database.prepare("UPDATE meta SET value = ? WHERE name = ?"),
    replicas: database.prepare("SELECT * FROM replicas ORDER BY id"),
    putReplica: database.prepare("INSERT OR REPLACE INTO replicas VALUES (?, ?)"),
    removeReplica: database.prepare("DELETE FROM replicas WHERE id = ?"),
    insertOrg: database.prepare(
      `INSERT INTO orgs (id, name, created_at, plan_tier, device_limit, plan_state, access_until,
        disabled, disabled_version, two_person_restore) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    updateOrg: database.prepare(
      `UPDATE orgs SET plan_tier = ?, device_limit = ?, plan_state = ?, access_until = ?,
        disabled = ?, disabled_version = ?, two_person_restore = ?, restore_requested_by = ?,
        restore_requested_at = ? WHERE id = ?`,
    ),
    logChange: database.prepare("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)"),
    cutChanges: database.prepare("DELETE FROM changes WHERE version <= ?"),
    changes: database.prepare("SELECT * FROM changes WHERE version > ? ORDER BY version LIMIT ?"),
  };
}

/**
 * The file's content in the memory of its only owner, written through. It is
 * thrown away whenever a transaction fails, and read again.
 */
export class FileLedger implements Ledger {
  readonly audit: AuditLog;
  readonly keys: KeyTable;
  readonly devices: DeviceTable;
  readonly signingKeys: SigningKeyTable;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #orgs = new Map<string, OrgRecord>();
  #version: number;
  #versionWritten: number;
  #terms: LeaseTerms;

  constructor(database: DatabaseSync) {
    const statements = prepareStatements(database);
    this.#statements = statements;
    for (const row of statements.orgs.all()) {
      const org = orgFromRow(row);
      this.#orgs.set(org.id, org);
    }
    const number = (name: string): number => Number(statements.meta.get(name)?.["value"]);
    this.#version = number("version");
    this.#terms = {
      ttlMs: number("ttl_ms"),
      waitMs: number("wait_ms"),
      version: number("terms_version"),
    };
    this.#versionWritten = this.#version;
    this.keys = new KeyTable(database);
    this.devices = new DeviceTable(database);
    this.audit = new AuditLog(database, String(statements.meta.get("writer")?.["value"]));
    this.signingKeys = new SigningKeyTable(database);
  }

  /** Version of the last change. */
  get version(): number {
    return this.#version;
  }

  get terms(): LeaseTerms {
    return this.#terms;
  }

  setTerms(terms: LeaseTerms): void {
    const { setMeta } = this.#statements;
    setMeta.run(terms.ttlMs, "ttl_ms");
    setMeta.run(terms.waitMs, "wait_ms");
    setMeta.run(terms.version, "terms_version");
    this.#terms = terms;
  }

  /** Processes whose allows may be in use. */
  replicas(): StoredReplica[] {
    return this.#statements.replicas.all().map(replicaFromRow);
  }

  /** Writes a process's row, or removes it. */
  putReplica(id: string, state: StoredReplica["state"] | "gone"): void {
    if (state === "gone") this.#statements.removeReplica.run(id);
    else this.#statements.putReplica.run(id, state);
  }

  nextVersion({ at, orgId, operation, deviceIds, requestId }: ChangeNote): number {
    this.#version += 1;
    const devices = JSON.stringify(deviceIds);
    this.#statements.logChange.run(this.#version, at, orgId, operation, devices, requestId);
    return this.#version;
  }

  /** Changes after a version, at most `limit`. */
  changes(afterVersion: number, limit: number): Change[] {
    return this.#statements.changes.all(afterVersion, limit).map(changeFromRow);
  }

  /** All devices of all orgs, and all audit chains. */
  snapshot(): AuditSnapshot {
    const orgs = this.orgIds().map((orgId) => ({
      orgId,
      devices: this.devices.list(orgId, {}).devices,
    }));
    return { orgs, chains: this.audit.chains() };
  }

  orgIds(): string[] {
    return [...this.#orgs.keys()];
  }

  org(orgId: string): OrgRecord | undefined {
    return this.#orgs.get(orgId);
  }

  usage(orgId: string): OrgUsage {
    const org = this.#orgs.get(orgId);
    if (org === undefined) throw new Error(`no org ${orgId}`);
    return { org, devicesUsed: this.devices.used(orgId) };
  }

  addOrg(org: OrgRecord): void {
    this.#statements.insertOrg.run(org.id, org.name, org.createdAt, ...standingOf(org));
    this.#orgs.set(org.id, org);
  }

  replaceOrg(org: OrgRecord): void {
    this.#statements.updateOrg.run(
      ...standingOf(org),
      org.restoreRequest?.by ?? null,
      org.restoreRequest?.at ?? null,
      org.id,
    );
    this.#orgs.set(org.id, org);
  }

  /** Writes what a group changed once for all its steps. */
  finish(): void {
    this.audit.finish();
    if (this.#version !== this.#versionWritten) {
      this.#statements.setMeta.run(this.#version, "version");
      this.#statements.cutChanges.run(this.#version - CHANGES_KEPT);
      this.#versionWritten = this.#version;
    }
    this.devices.finish();
  }
}

/** Columns of an org that can change, in the order of both statements. */
const standingOf = (org: OrgRecord) =>
  [
    org.planTier,
    org.limit,
    org.planState,
    org.accessUntil,
    Number(org.disabled),
    org.disabledVersion,
    Number(org.twoPersonRestore),
  ] as const;
