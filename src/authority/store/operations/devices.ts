import { decide, decideRegistration } from "../../decide.ts";
import type { KeyRecord, OrgRecord } from "../records.ts";
import type {
  Caller,
  DevicesListed,
  Registered,
  Removed,
  RevocationChanged,
  UnknownKey,
  UsageRead,
  Validated,
} from "../store.ts";
import type { DecisionFacts, Ledger } from "../ledger.ts";

/** The operations on an org's devices, as steps of a group. */

export const UNKNOWN_KEY: UnknownKey = Object.freeze({ kind: "unknown_key" });

interface Known {
  readonly key: KeyRecord;
  readonly org: OrgRecord;
}

function known(ledger: Pick<Ledger, "key" | "org">, caller: Caller): Known | undefined {
  const key = ledger.key(caller.keyHash);
  if (key === undefined || key.orgId === null) return undefined;
  const org = ledger.org(key.orgId);
  return org === undefined ? undefined : { key, org };
}

export function validate(
  ledger: DecisionFacts,
  caller: Caller,
  deviceId: string,
): Validated | UnknownKey {
  const from = known(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  const { key, org } = from;
  const { at, requestId } = caller;
  const { version } = ledger;
  const decision = decide(org, ledger.asking(org.id, deviceId, at), at);
  ledger.audit.append(org.id, {
    at,
    by: key.id,
    operation: "validate",
    deviceId,
    code: decision.code,
    requestId,
    version,
  });
  return { kind: "validated", decision, version };
}

export function register(
  ledger: Ledger,
  caller: Caller,
  deviceId: string,
): Registered | UnknownKey {
  const from = known(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  const { key, org } = from;
  const { at, requestId } = caller;
  const device = ledger.device(org.id, deviceId);
  const { devicesUsed } = ledger.usage(org.id);
  const registration = decideRegistration(org, device, devicesUsed, at);
  if (registration.outcome === "created") ledger.addDevice(org.id, deviceId, at);
  ledger.audit.append(org.id, {
    at,
    by: key.id,
    operation: "register",
    deviceId,
    ...(registration.outcome === "blocked" ? { code: registration.code } : {}),
    requestId,
    version: ledger.version,
    detail: { outcome: registration.outcome },
  });
  return { kind: "registered", registration, ...ledger.usage(org.id) };
}

export function setRevoked(
  ledger: Ledger,
  caller: Caller,
  deviceIds: readonly string[],
  revoked: boolean,
): RevocationChanged | UnknownKey {
  const from = known(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  const { key, org } = from;
  const { at, requestId } = caller;
  const isDue = (deviceId: string): boolean => {
    const device = ledger.device(org.id, deviceId);
    return device !== undefined && (device.revokedAt !== null) !== revoked;
  };
  const operation = revoked ? "revoke" : "unrevoke";
  const due = [...new Set(deviceIds.filter(isDue))];
  const change =
    due.length === 0
      ? undefined
      : ledger.nextVersion({ at, orgId: org.id, operation, deviceIds: due });
  let version = change ?? 0;
  const results = deviceIds.map((deviceId) => {
    const changed = isDue(deviceId);
    if (change !== undefined) {
      ledger.setRevokedAt(org.id, deviceId, revoked ? at : null, change);
    }
    const device = ledger.device(org.id, deviceId);
    if (device === undefined) return { deviceId, found: false, changed: false };
    version = Math.max(version, device.version);
    ledger.audit.append(org.id, {
      at,
      by: key.id,
      operation,
      deviceId,
      requestId,
      version: device.version,
      detail: { changed },
    });
    return { deviceId, found: true, changed };
  });
  const found = results.some((result) => result.found);
  return { kind: "revocation_changed", results, version: found ? version : ledger.version };
}

export function remove(ledger: Ledger, caller: Caller, deviceId: string): Removed | UnknownKey {
  const from = known(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  const { key, org } = from;
  if (ledger.device(org.id, deviceId) === undefined) return { kind: "not_found" };
  const { at, requestId } = caller;
  const operation = "remove";
  const version = ledger.nextVersion({ at, orgId: org.id, operation, deviceIds: [deviceId] });
  ledger.removeDevice(org.id, deviceId);
  ledger.audit.append(org.id, {
    at,
    by: key.id,
    operation,
    deviceId,
    requestId,
    version,
  });
  return { kind: "removed", version };
}

export function listDevices(ledger: Ledger, caller: Caller): DevicesListed | UnknownKey {
  const from = known(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  return { kind: "devices", devices: ledger.listDevices(from.org.id) };
}

export function readUsage(ledger: Ledger, caller: Caller): UsageRead | UnknownKey {
  const from = known(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  return { kind: "usage", ...ledger.usage(from.org.id) };
}
