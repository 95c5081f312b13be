import { isLive } from "../../authorize.ts";
import { decide } from "../../decide.ts";
import { decideKeyRotation } from "../../key-lifecycle.ts";
import type { KeySecret } from "../../key-lifecycle.ts";
import { NO_ORG } from "../audit-entry.ts";
import type { Caller, ChangeOptions, UnknownKey } from "../caller.ts";
import type { KeyRefused } from "../key-store.ts";
import type {
  AdminKeyRotated,
  AdminKeyRotation,
  AdminKnown,
  OrgChanged,
  OrgPatch,
  OrgsListed,
} from "../org-store.ts";
import type { KeyRecord, OrgRecord } from "../records.ts";
import type { Bootstrap, Bootstrapped } from "../store.ts";
import { changeDetail, UNKNOWN_KEY } from "./admit.ts";
import type { Ledger } from "../ledger.ts";

/** The administrator's operations, as steps of a group. */

export function adminKey(ledger: Ledger, caller: Caller): KeyRecord | undefined {
  const key = ledger.keys.byHash(caller.keyHash);
  return key?.role === "admin" && isLive(key, caller.at) ? key : undefined;
}

export function authenticateAdmin(ledger: Ledger, caller: Caller): AdminKnown | UnknownKey {
  return adminKey(ledger, caller) === undefined ? UNKNOWN_KEY : { kind: "admin" };
}

function addOrg(
  ledger: Ledger,
  caller: Pick<Caller, "at" | "requestId">,
  by: string,
  org: OrgRecord,
  ownerKey: KeyRecord,
): number {
  const { at, requestId } = caller;
  const operation = "org_create";
  const version = ledger.nextVersion({ at, orgId: org.id, operation, deviceIds: [], requestId });
  ledger.addOrg(org);
  ledger.keys.add(ownerKey);
  const { name, planTier, limit } = org;
  ledger.audit.append(org.id, {
    at,
    by,
    operation,
    requestId,
    version,
    detail: { name, planTier, limit, ownerKey: ownerKey.id },
  });
  return version;
}

export function createOrg(
  ledger: Ledger,
  caller: Caller,
  org: OrgRecord,
  ownerKey: KeyRecord,
): OrgChanged | UnknownKey {
  const by = adminKey(ledger, caller);
  if (by === undefined) return UNKNOWN_KEY;
  const version = addOrg(ledger, caller, by.id, org, ownerKey);
  return { kind: "org", version, ...ledger.usage(org.id) };
}

export function listOrgs(ledger: Ledger, caller: Caller): OrgsListed | UnknownKey {
  if (adminKey(ledger, caller) === undefined) return UNKNOWN_KEY;
  return { kind: "orgs", orgs: ledger.orgIds().map((orgId) => ledger.usage(orgId)) };
}

export function changeOrg(
  ledger: Ledger,
  caller: Caller,
  orgId: string,
  patch: OrgPatch,
  options?: ChangeOptions,
): OrgChanged | UnknownKey | { readonly kind: "not_found" } {
  const by = adminKey(ledger, caller);
  if (by === undefined) return UNKNOWN_KEY;
  const org = ledger.org(orgId);
  if (org === undefined) return { kind: "not_found" };
  const { at, requestId } = caller;
  const operation = "org_change";
  const changed = { ...org, ...patch };
  const logged = denialOf(org, changed, at) ?? operation;
  const version = ledger.nextVersion({ at, orgId, operation: logged, deviceIds: [], requestId });
  ledger.replaceOrg(changed);
  ledger.audit.append(orgId, {
    at,
    by: by.id,
    operation,
    requestId,
    version,
    detail: { ...patch, ...changeDetail(by, options) },
  });
  return { kind: "org", version, ...ledger.usage(orgId) };
}

/** What the change log calls a change of a plan that takes from all devices what they had. */
function denialOf(before: OrgRecord, after: OrgRecord, at: number): string | undefined {
  const codeOf = (org: OrgRecord) => decide(org, ANY_DEVICE, at).code;
  return codeOf(before) === "ALLOW" && codeOf(after) !== "ALLOW"
    ? codeOf(after).toLowerCase()
    : undefined;
}

const ANY_DEVICE = { revokedAt: null };

export function rotateAdminKey(
  ledger: Ledger,
  caller: Caller,
  secret: KeySecret,
  { overlapMs, ...options }: AdminKeyRotation,
): AdminKeyRotated | KeyRefused | UnknownKey {
  const by = adminKey(ledger, caller);
  if (by === undefined) return UNKNOWN_KEY;
  const { at, requestId } = caller;
  const rotated = decideKeyRotation([], by, secret, { overlapMs, expiresAt: undefined }, at);
  if (typeof rotated === "string") return { kind: "key_conflict", reason: rotated };
  const { old, replacement } = rotated;
  const operation = "admin_key_rotate";
  const version = ledger.nextVersion({ at, orgId: NO_ORG, operation, deviceIds: [], requestId });
  ledger.keys.add(replacement);
  ledger.keys.replace(old);
  const oldExpiresAt = old.expiresAt ?? at;
  ledger.audit.append(NO_ORG, {
    at,
    by: by.id,
    operation,
    requestId,
    version,
    detail: { key: replacement.id, replaces: by.id, oldExpiresAt, ...changeDetail(by, options) },
  });
  return { kind: "admin_key", key: replacement, oldExpiresAt, version };
}

export function bootstrap(ledger: Ledger, given: Bootstrap): Bootstrapped {
  const isNew = ledger.orgIds().length === 0;
  const ownerKnown = ledger.keys.byHash(given.ownerKey.hash) !== undefined;
  if (given.ownerKeyGiven && !isNew && !ownerKnown) {
    return { adminKey: "present", ownerKey: "unknown" };
  }
  const needsAdmin = !ledger.keys.hasAdmin();
  if (needsAdmin) {
    const { at, requestId } = given;
    const operation = "admin_key_create";
    // The first org, which comes with it, is one change together with it.
    const version = isNew
      ? ledger.version
      : ledger.nextVersion({ at, orgId: NO_ORG, operation, deviceIds: [], requestId });
    ledger.keys.add(given.adminKey);
    ledger.audit.append(NO_ORG, {
      at,
      by: "bootstrap",
      operation,
      requestId,
      version,
      detail: { key: given.adminKey.id },
    });
  }
  if (isNew) addOrg(ledger, given, "bootstrap", given.org, given.ownerKey);
  return {
    adminKey: needsAdmin ? "created" : "present",
    ownerKey: isNew ? "created" : "present",
  };
}
