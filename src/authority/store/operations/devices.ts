import { authorizeRemoval, registrationOwner } from "../../authorize.ts";
import { decide, decideRegistration } from "../../decide.ts";
import type { Caller, ChangeOptions, Refused } from "../caller.ts";
import type {
  DevicePage,
  DevicesListed,
  Registered,
  RegisterOptions,
  Removed,
  Validated,
} from "../device-store.ts";
import { admit, changeDetail, forbid } from "./admit.ts";
import { endOf } from "./leases.ts";
import type { Asked } from "./admit.ts";
import type { DecisionFacts, Ledger } from "../ledger.ts";

/** The operations on an org's devices, as steps of a group. */

export function validate(
  ledger: DecisionFacts,
  caller: Caller,
  deviceId: string,
  auditAllow: boolean,
): Validated | Refused {
  const operation = "validate";
  const from = admit(ledger, caller, { permission: "devices:validate", operation, deviceId });
  if (from.kind !== "admitted") return from;
  const { key, org } = from;
  const { at, requestId } = caller;
  const { version } = ledger;
  const decision = decide(org, ledger.devices.asking(org.id, deviceId, at), at);
  if (auditAllow || !decision.allowed) {
    const { code } = decision;
    ledger.audit.append(org.id, { at, by: key.id, operation, deviceId, code, requestId, version });
  }
  const { waitMs } = ledger.terms;
  return { kind: "validated", decision, orgId: org.id, version, waitMs, endsAt: endOf(key, org) };
}

export function register(
  ledger: Ledger,
  caller: Caller,
  deviceId: string,
  options: RegisterOptions = {},
): Registered | Refused {
  const asked: Asked = { permission: "devices:register", operation: "register", deviceId };
  const from = admit(ledger, caller, asked);
  if (from.kind !== "admitted") return from;
  const { key, org } = from;
  const { at, requestId } = caller;
  const registered = registrationOwner(key, options.owner);
  if (registered === "device_owner") return forbid(ledger, caller, from, asked, registered);
  const { owner } = registered;
  const device = ledger.devices.get(org.id, deviceId);
  const { devicesUsed } = ledger.usage(org.id);
  const registration = decideRegistration(org, device, devicesUsed, at);
  const { outcome } = registration;
  if (outcome === "created") {
    const { operation } = asked;
    const version = ledger.nextVersion({
      at,
      orgId: org.id,
      operation,
      deviceIds: [deviceId],
      requestId,
    });
    ledger.devices.add(org.id, { deviceId, createdAt: at, version, owner });
  }
  ledger.audit.append(org.id, {
    at,
    by: key.id,
    operation: asked.operation,
    deviceId,
    ...(outcome === "blocked" ? { code: registration.code } : {}),
    requestId,
    version: ledger.version,
    detail: { outcome, ...(owner === null ? {} : { owner }), ...changeDetail(key) },
  });
  return { kind: "registered", registration, ...ledger.usage(org.id) };
}

export function remove(
  ledger: Ledger,
  caller: Caller,
  deviceId: string,
  options?: ChangeOptions,
): Removed | Refused {
  const asked: Asked = { permission: "devices:remove", operation: "remove", deviceId };
  const from = admit(ledger, caller, asked);
  if (from.kind !== "admitted") return from;
  const { key, org } = from;
  const device = ledger.devices.get(org.id, deviceId);
  if (device === undefined) return { kind: "not_found" };
  const verdict = authorizeRemoval(org, key, device);
  if (verdict !== "allowed") return forbid(ledger, caller, from, asked, verdict);
  const { at, requestId } = caller;
  const { operation } = asked;
  const version = ledger.nextVersion({
    at,
    orgId: org.id,
    operation,
    deviceIds: [deviceId],
    requestId,
  });
  ledger.devices.remove(org.id, deviceId);
  ledger.audit.append(org.id, {
    at,
    by: key.id,
    operation,
    deviceId,
    requestId,
    version,
    detail: changeDetail(key, options),
  });
  return { kind: "removed", version };
}

export function listDevices(
  ledger: Ledger,
  caller: Caller,
  page: DevicePage = {},
): DevicesListed | Refused {
  const from = admit(ledger, caller, { permission: "devices:list", operation: "list" });
  if (from.kind !== "admitted") return from;
  const { version } = ledger;
  return { kind: "devices", ...ledger.devices.list(from.org.id, page), version };
}
