import { isLive } from "../../authorize.ts";
import {
  decideKeyCreation,
  decideKeyRevocation,
  decideKeyRotation,
  listedKeys,
} from "../../key-lifecycle.ts";
import type { KeyRotation, KeySecret } from "../../key-lifecycle.ts";
import { keyLabel } from "../../keys.ts";
import type { Caller, ChangeOptions, Refused } from "../caller.ts";
import type { KeyChanged, KeyDraft, KeyNotFound, KeyRefused, KeysListed } from "../key-store.ts";
import type { KeyRecord } from "../records.ts";
import { admit, changeDetail } from "./admit.ts";
import type { Admitted } from "./admit.ts";
import type { Ledger } from "../ledger.ts";

/** The operations on an org's keys, as steps of a group. */

export function createKey(
  ledger: Ledger,
  caller: Caller,
  draft: KeyDraft,
  options?: ChangeOptions,
): KeyChanged | KeyRefused | Refused {
  const operation = "key_create";
  const from = admit(ledger, caller, { permission: "keys:write", operation });
  if (from.kind !== "admitted") return from;
  const { org } = from;
  const verdict = decideKeyCreation(ledger.keys.ofOrg(org.id), caller.at);
  if (verdict !== "allowed") return { kind: "key_conflict", reason: verdict };
  const key: KeyRecord = { ...draft, orgId: org.id };
  const version = nextVersion(ledger, caller, org.id, operation);
  ledger.keys.add(key);
  const detail = termsOf(key);
  return changed(ledger, caller, from, { operation, key, version, detail, options });
}

export function listKeys(ledger: Ledger, caller: Caller): KeysListed | Refused {
  const from = admit(ledger, caller, { permission: "keys:read", operation: "key_list" });
  if (from.kind !== "admitted") return from;
  return { kind: "keys", keys: listedKeys(ledger.keys.ofOrg(from.org.id), caller.at) };
}

export function revokeKey(
  ledger: Ledger,
  caller: Caller,
  keyId: string,
  options?: ChangeOptions,
): KeyChanged | KeyNotFound | KeyRefused | Refused {
  const operation = "key_revoke";
  const from = admit(ledger, caller, { permission: "keys:write", operation });
  if (from.kind !== "admitted") return from;
  const { org } = from;
  const { at } = caller;
  const key = keyOf(ledger, org.id, keyId);
  if (key === undefined) return { kind: "not_found" };
  if (key.revokedAt !== null) {
    return { kind: "key", key, changed: false, version: ledger.version };
  }
  const verdict = decideKeyRevocation(ledger.keys.ofOrg(org.id), key, at);
  if (verdict !== "allowed") return { kind: "key_conflict", reason: verdict };
  const revoked = { ...key, revokedAt: at };
  const version = nextVersion(ledger, caller, org.id, operation);
  ledger.keys.replace(revoked);
  return changed(ledger, caller, from, { operation, key: revoked, version, options });
}

export function rotateKey(
  ledger: Ledger,
  caller: Caller,
  keyId: string,
  secret: KeySecret,
  rotation: KeyRotation & ChangeOptions,
): KeyChanged | KeyNotFound | KeyRefused | Refused {
  const operation = "key_rotate";
  const from = admit(ledger, caller, { permission: "keys:write", operation });
  if (from.kind !== "admitted") return from;
  const { org } = from;
  const key = keyOf(ledger, org.id, keyId);
  if (key === undefined) return { kind: "not_found" };
  const keys = ledger.keys.ofOrg(org.id);
  const rotated = decideKeyRotation(keys, key, secret, rotation, caller.at);
  if (typeof rotated === "string") return { kind: "key_conflict", reason: rotated };
  const { old, replacement } = rotated;
  const logged = isLive(old, caller.at) ? operation : "key_end";
  const version = nextVersion(ledger, caller, org.id, logged);
  ledger.keys.add(replacement);
  ledger.keys.replace(old);
  const detail = { replaces: old.id, oldExpiresAt: old.expiresAt, ...termsOf(replacement) };
  return changed(ledger, caller, from, {
    operation,
    key: replacement,
    version,
    detail,
    options: rotation,
  });
}

function keyOf(ledger: Ledger, orgId: string, keyId: string): KeyRecord | undefined {
  const key = ledger.keys.byId(keyId);
  return key?.orgId === orgId ? key : undefined;
}

/** What a key is for, as the audit says it. */
function termsOf({ role, name, devicePattern, deviceOwner, expiresAt }: KeyRecord): object {
  return { role, name, devicePattern, deviceOwner, expiresAt };
}

function nextVersion(
  ledger: Ledger,
  { at, requestId }: Caller,
  orgId: string,
  operation: string,
): number {
  return ledger.nextVersion({ at, orgId, operation, deviceIds: [], requestId });
}

interface Change {
  readonly operation: string;
  readonly key: KeyRecord;
  readonly version: number;
  readonly detail?: object;
  readonly options: ChangeOptions | undefined;
}

function changed(
  ledger: Ledger,
  { at, requestId }: Caller,
  { key: by, org }: Admitted,
  { operation, key, version, detail, options }: Change,
): KeyChanged {
  ledger.audit.append(org.id, {
    at,
    by: by.id,
    operation,
    requestId,
    version,
    detail: { keyId: key.id, target: keyLabel(key), ...detail, ...changeDetail(by, options) },
  });
  return { kind: "key", key, changed: true, version };
}
