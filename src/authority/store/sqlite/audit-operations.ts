import type { AuditOpened, AuditSnapshot } from "../audit-store.ts";
import type { Caller, UnknownKey } from "../store.ts";
import { known, UNKNOWN_KEY } from "./device-operations.ts";
import type { Ledger } from "./ledger.ts";

/** Reading the audit, as steps of a group. */

export function openAudit(ledger: Ledger, caller: Caller): AuditOpened | UnknownKey {
  const from = known(ledger, caller);
  if (from === undefined) return UNKNOWN_KEY;
  const orgId = from.org.id;
  return { kind: "audit", orgId, chains: ledger.audit.chains(orgId) };
}

export function snapshot(ledger: Ledger): AuditSnapshot {
  const orgs = ledger.orgIds().map((orgId) => ({ orgId, devices: ledger.listDevices(orgId) }));
  return { orgs, chains: ledger.audit.chains() };
}
