import { planRestore, planRevocation } from "../../restore.ts";
import type { RevocationPlan, RevocationStep } from "../../restore.ts";
import type { Caller, Refused, VersionConflict } from "../caller.ts";
import type { DeviceSelection, RevocationChanged, RevocationOptions } from "../device-store.ts";
import { admit, changeDetail, forbid } from "./admit.ts";
import type { Admitted } from "./admit.ts";
import type { Ledger } from "../ledger.ts";

/** Revoking and restoring devices, as a step of a group. */

export function setRevoked(
  ledger: Ledger,
  caller: Caller,
  selection: DeviceSelection,
  revoked: boolean,
  options: RevocationOptions = {},
): RevocationChanged | VersionConflict | Refused {
  const operation = revoked ? "revoke" : "unrevoke";
  const from = admit(ledger, caller, { permission: `devices:${operation}`, operation });
  if (from.kind !== "admitted") return from;
  const { key, org } = from;
  const deviceIds =
    "devicePattern" in selection
      ? ledger.devices.list(org.id, selection).devices.map(({ deviceId }) => deviceId)
      : selection;
  const plan = planOf(ledger, caller, from, deviceIds, revoked, options);
  if (plan.kind === "forbidden") {
    const { deviceId } = plan;
    return forbid(ledger, caller, from, { operation, deviceId }, "device_owner");
  }
  if (plan.kind === "conflict") {
    const { deviceId, version } = plan;
    const { at, requestId } = caller;
    const detail = { changed: false, ...changeDetail(key, options) };
    const denied = { at, by: key.id, operation, deviceId, code: "CONFLICT", requestId };
    ledger.audit.append(org.id, { ...denied, version: ledger.version, detail });
    return { kind: "version_conflict", version };
  }
  return options.dryRun === true
    ? outcomeOf(org.id, plan.steps, ledger.version)
    : carryOut(ledger, caller, from, plan.steps, revoked, options);
}

function planOf(
  ledger: Ledger,
  { at }: Caller,
  { key, org }: Admitted,
  deviceIds: readonly string[],
  revoked: boolean,
  { ifVersion }: RevocationOptions,
): RevocationPlan {
  const deviceOf = (deviceId: string) => ledger.devices.get(org.id, deviceId);
  if (revoked) return planRevocation(deviceIds, deviceOf);
  const keyById = (id: string) => ledger.keys.byId(id);
  return planRestore(deviceIds, deviceOf, { org, key, at, ifVersion, keyById });
}

const changes = ({ step }: RevocationStep): boolean => step === "revoke" || step === "restore";

function outcomeOf(
  orgId: string,
  steps: readonly RevocationStep[],
  version: number,
): RevocationChanged {
  const results = steps.map((step) => ({
    deviceId: step.deviceId,
    found: step.device !== undefined,
    changed: changes(step),
    pending: step.step === "request",
  }));
  return { kind: "revocation_changed", orgId, results, version };
}

function carryOut(
  ledger: Ledger,
  { at, requestId }: Caller,
  { key, org }: Admitted,
  steps: readonly RevocationStep[],
  revoked: boolean,
  options: RevocationOptions,
): RevocationChanged {
  const due = steps.filter(changes).map(({ deviceId }) => deviceId);
  const operation = revoked ? "revoke" : "unrevoke";
  const change =
    due.length === 0
      ? undefined
      : ledger.nextVersion({ at, orgId: org.id, operation, deviceIds: due, requestId });
  const detail = changeDetail(key, options);
  let version = change ?? 0;
  for (const step of steps) {
    const { deviceId } = step;
    if (step.device === undefined) continue;
    const changed = changes(step);
    if (changed && change !== undefined) {
      ledger.devices.setRevokedAt(org.id, deviceId, revoked ? at : null, change);
    }
    if (step.step === "request") {
      ledger.devices.setRestoreRequest(org.id, deviceId, { by: key.id, at });
    }
    if (step.step === "withdraw") ledger.devices.setRestoreRequest(org.id, deviceId, null);
    const deviceVersion = changed ? (change ?? 0) : step.device.version;
    version = Math.max(version, deviceVersion);
    ledger.audit.append(org.id, {
      at,
      by: key.id,
      operation: OPERATIONS[step.step] ?? operation,
      deviceId,
      requestId,
      version: deviceVersion,
      detail: { changed, ...detail },
    });
  }
  const found = steps.some(({ device }) => device !== undefined);
  return outcomeOf(org.id, steps, found ? version : ledger.version);
}

const OPERATIONS: { readonly [Step in RevocationStep["step"]]?: string } = {
  request: "unrevoke_request",
  withdraw: "unrevoke_withdraw",
};
