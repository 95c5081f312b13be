import type { DecisionCode } from "../../../wire/index.ts";
import { authorize, isLive, mayHoldLeases } from "../../authorize.ts";
import { decide } from "../../decide.ts";
import { NO_ORG } from "../audit-entry.ts";
import { inParts } from "../audit-lines.ts";
import type { Caller, Refused, UnknownKey } from "../caller.ts";
import type { DecisionFacts, Ledger } from "../ledger.ts";
import type {
  DeviceDecided,
  DevicesDecided,
  LeaseAdmitted,
  LeaseTerms,
  WantedTerms,
} from "../lease-store.ts";
import { forbid, UNKNOWN_KEY } from "./admit.ts";
import type { Admitted } from "./admit.ts";
import type { KeyRecord, OrgRecord } from "../records.ts";

/** What leases do in a store, as steps of a group. */

/** Devices that one entry of the audit names at most, and UTF-16 units of their ids. */
const ENTRY_SIZE = { entries: 100, length: 4_000 };

type Facts = Omit<DecisionFacts, "devices">;

function holderOf(
  ledger: Facts,
  { keyHash, at }: Caller,
): Pick<Admitted, "key" | "org"> | undefined {
  const key = ledger.keys.byHash(keyHash);
  if (key === undefined || key.orgId === null || !isLive(key, at)) return undefined;
  const org = ledger.org(key.orgId);
  return org === undefined ? undefined : { key, org };
}

export function admitLeases(ledger: Facts, caller: Caller): LeaseAdmitted | Refused {
  const from = holderOf(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  if (mayHoldLeases(from.key)) return { kind: "lease_admitted", orgId: from.org.id };
  return forbid(ledger, caller, from, { operation: "lease" }, "role");
}

/** When key or plan end, whichever is first. */
export function endOf(
  key: Pick<KeyRecord, "expiresAt">,
  org: Pick<OrgRecord, "accessUntil">,
): number | null {
  const ends = [key.expiresAt, org.accessUntil].filter((end) => end !== null);
  return ends.length === 0 ? null : Math.min(...ends);
}

export function decideAll(
  ledger: DecisionFacts,
  caller: Caller,
  deviceIds: readonly string[],
  audits: (decided: DeviceDecided) => boolean,
): DevicesDecided | UnknownKey {
  const from = holderOf(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  const { key, org } = from;
  const { version, terms } = ledger;
  const audited = new Map<DecisionCode, string[]>();
  const decided = deviceIds.map((deviceId): DeviceDecided => {
    const verdict = authorize(key, "devices:validate", deviceId);
    if (verdict !== "allowed") {
      const refused = { deviceId, code: "FORBIDDEN" } as const;
      if (audits(refused))
        forbid(ledger, caller, from, { operation: "validate", deviceId }, verdict);
      return refused;
    }
    const { code } = decide(org, ledger.devices.asking(org.id, deviceId, caller.at), caller.at);
    const decision = { deviceId, code };
    if (audits(decision)) {
      const same = audited.get(code);
      if (same === undefined) audited.set(code, [deviceId]);
      else same.push(deviceId);
    }
    return decision;
  });
  for (const [code, ofCode] of audited) auditDecisions(ledger, caller, from, code, ofCode);
  return {
    kind: "devices_decided",
    orgId: org.id,
    decided,
    version,
    terms,
    endsAt: endOf(key, org),
  };
}

/** One decision on several devices is one entry, or a few: most of an entry is the same for all. */
function auditDecisions(
  ledger: Facts,
  { at, requestId }: Caller,
  { key, org }: Pick<Admitted, "key" | "org">,
  code: DecisionCode,
  deviceIds: readonly string[],
): void {
  const { version } = ledger;
  for (const some of inParts(deviceIds, ENTRY_SIZE)) {
    const [deviceId = "", ...others] = some;
    const devices = others.length === 0 ? { deviceId } : { deviceIds: some };
    const entry = { at, by: key.id, operation: "validate", ...devices, code, requestId, version };
    ledger.audit.append(org.id, entry);
  }
}

export function setTerms(
  ledger: Ledger,
  caller: Pick<Caller, "requestId" | "at">,
  { ttlMs, validMs }: WantedTerms,
): LeaseTerms {
  const { terms } = ledger;
  const waitMs = Math.max(terms.waitMs, ttlMs, validMs);
  if (ttlMs === terms.ttlMs && waitMs === terms.waitMs) return terms;
  return changeTerms(ledger, caller, { ttlMs, waitMs });
}

export function lowerWait(
  ledger: Ledger,
  caller: Pick<Caller, "requestId" | "at">,
  version: number,
  waitMs: number,
): LeaseTerms {
  const { terms } = ledger;
  if (terms.version !== version || waitMs >= terms.waitMs || waitMs < terms.ttlMs) return terms;
  return changeTerms(ledger, caller, { ttlMs: terms.ttlMs, waitMs });
}

function changeTerms(
  ledger: Ledger,
  { at, requestId }: Pick<Caller, "requestId" | "at">,
  { ttlMs, waitMs }: Pick<LeaseTerms, "ttlMs" | "waitMs">,
): LeaseTerms {
  const operation = "lease_terms";
  const version = ledger.nextVersion({ at, orgId: NO_ORG, operation, deviceIds: [], requestId });
  const terms = { ttlMs, waitMs, version };
  ledger.setTerms(terms);
  ledger.audit.append(NO_ORG, {
    at,
    by: "operator",
    operation,
    requestId,
    version,
    detail: { ttl_ms: ttlMs, wait_ms: waitMs },
  });
  return terms;
}
