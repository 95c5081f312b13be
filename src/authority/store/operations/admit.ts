import { authorize, isLive } from "../../authorize.ts";
import type { ForbiddenReason, Permission } from "../../authorize.ts";
import { keyLabel } from "../../keys.ts";
import type { Caller, ChangeOptions, Forbidden, Refused, UnknownKey } from "../caller.ts";
import type { KeyRecord, OrgRecord } from "../records.ts";
import type { DecisionFacts } from "../ledger.ts";

export const UNKNOWN_KEY: UnknownKey = Object.freeze({ kind: "unknown_key" });

/** Someone who may do what they asked for. */
export interface Admitted {
  readonly kind: "admitted";
  readonly key: KeyRecord;
  readonly org: OrgRecord;
}

/** What a caller asks to do. */
export interface Asked {
  readonly permission: Permission;
  /** As the audit names it. */
  readonly operation: string;
  /** The device it would be done to, when it is one. */
  readonly deviceId?: string;
}

/** What rights are read from. */
type Facts = Omit<DecisionFacts, "devices">;

/** Lets a caller do what it asked for, or notes in the audit that a known one may not. */
export function admit(ledger: Facts, caller: Caller, asked: Asked): Admitted | Refused {
  const key = ledger.keys.byHash(caller.keyHash);
  if (key === undefined || key.orgId === null || !isLive(key, caller.at)) return UNKNOWN_KEY;
  const org = ledger.org(key.orgId);
  if (org === undefined) return UNKNOWN_KEY;
  const verdict = authorize(key, asked.permission, asked.deviceId);
  if (verdict === "allowed") return { kind: "admitted", key, org };
  return forbid(ledger, caller, { key, org }, asked, verdict);
}

/** Refuses a known caller, and says so in the audit. */
export function forbid(
  ledger: Facts,
  { at, requestId }: Caller,
  { key, org }: Pick<Admitted, "key" | "org">,
  { operation, deviceId }: Pick<Asked, "operation" | "deviceId">,
  reason: ForbiddenReason,
): Forbidden {
  ledger.audit.append(org.id, {
    at,
    by: key.id,
    operation,
    ...(deviceId === undefined ? {} : { deviceId }),
    code: "FORBIDDEN",
    requestId,
    version: ledger.version,
    detail: { changed: false, forbidden: reason, key: keyLabel(key) },
  });
  return { kind: "forbidden", reason };
}

/** What the audit says of every change: whose key, and why. */
export function changeDetail(
  key: KeyRecord,
  { reason }: ChangeOptions = {},
): Readonly<Record<string, unknown>> {
  return { key: keyLabel(key), ...(reason === undefined ? {} : { reason }) };
}
