import type { AuditOpened } from "../audit-store.ts";
import type { Caller, Refused } from "../caller.ts";
import { admit } from "./admit.ts";
import type { Ledger } from "../ledger.ts";

/** Reading the audit, as a step of a group. */

export function openAudit(ledger: Ledger, caller: Caller): AuditOpened | Refused {
  const from = admit(ledger, caller, { permission: "audit:read", operation: "audit" });
  if (from.kind !== "admitted") return from;
  const orgId = from.org.id;
  return { kind: "audit", orgId, chains: ledger.audit.chains(orgId) };
}
