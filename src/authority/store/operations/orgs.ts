import { decideRestore } from "../../restore.ts";
import type { Caller, ChangeOptions, Refused, RestoreOptions, VersionConflict } from "../caller.ts";
import type {
  OpenedPart,
  OrgOpened,
  OrgPolicy,
  OrgRead,
  OrgStandingChanged,
  UsageRead,
} from "../org-store.ts";
import type { OrgRecord } from "../records.ts";
import { admit, changeDetail } from "./admit.ts";
import type { Admitted } from "./admit.ts";
import type { Ledger } from "../ledger.ts";

/** The operations on an org with a key of it, as steps of a group. */

export function readUsage(ledger: Ledger, caller: Caller): UsageRead | Refused {
  const from = admit(ledger, caller, { permission: "usage:read", operation: "usage" });
  if (from.kind !== "admitted") return from;
  return { kind: "usage", ...ledger.usage(from.org.id) };
}

export function readOrg(ledger: Ledger, caller: Caller): OrgRead | Refused {
  const from = admit(ledger, caller, { permission: "org:read", operation: "org" });
  if (from.kind !== "admitted") return from;
  return { kind: "org_read", org: from.org, version: ledger.version };
}

export function openOrg(ledger: Ledger, caller: Caller, part: OpenedPart): OrgOpened | Refused {
  const from = admit(ledger, caller, { permission: `${part}:read`, operation: part });
  return from.kind === "admitted" ? { kind: "org_opened", orgId: from.org.id } : from;
}

export function stopOrg(
  ledger: Ledger,
  caller: Caller,
  options?: ChangeOptions,
): OrgStandingChanged | Refused {
  const operation = "org_stop";
  const from = admit(ledger, caller, { permission: "org:stop", operation });
  if (from.kind !== "admitted") return from;
  const { org } = from;
  const changed = !org.disabled;
  const version = changed ? nextVersion(ledger, caller, org, operation) : org.disabledVersion;
  return change(ledger, caller, from, {
    operation,
    // A second stop withdraws a request to resume.
    org: { ...org, disabled: true, disabledVersion: version, restoreRequest: null },
    changed,
    version,
    options,
  });
}

export function resumeOrg(
  ledger: Ledger,
  caller: Caller,
  options: RestoreOptions = {},
): OrgStandingChanged | VersionConflict | Refused {
  const operation = "org_resume";
  const from = admit(ledger, caller, { permission: "org:resume", operation });
  if (from.kind !== "admitted") return from;
  const { org, key } = from;
  const { at, requestId } = caller;
  const { disabledVersion: version, restoreRequest: request } = org;
  if (!org.disabled) {
    return change(ledger, caller, from, { operation, org, changed: false, version, options });
  }
  const keyById = (id: string) => ledger.keys.byId(id);
  const { ifVersion } = options;
  const decision = decideRestore({ org, key, at, ifVersion, keyById }, { version, request });
  if (decision === "conflict") {
    const detail = { changed: false, ...changeDetail(key, options) };
    const denied = { at, by: key.id, operation, code: "CONFLICT", requestId };
    ledger.audit.append(org.id, { ...denied, version: ledger.version, detail });
    return { kind: "version_conflict", version };
  }
  if (decision === "pending") {
    const pending = change(ledger, caller, from, {
      operation: "org_resume_request",
      org: { ...org, restoreRequest: { by: key.id, at } },
      changed: false,
      version,
      options,
    });
    return { ...pending, pending: true };
  }
  const resumed = nextVersion(ledger, caller, org, operation);
  return change(ledger, caller, from, {
    operation,
    org: { ...org, disabled: false, disabledVersion: resumed, restoreRequest: null },
    changed: true,
    version: resumed,
    options,
  });
}

export function setOrgPolicy(
  ledger: Ledger,
  caller: Caller,
  { twoPersonRestore }: OrgPolicy,
  options?: ChangeOptions,
): OrgStandingChanged | Refused {
  const operation = "org_policy";
  const from = admit(ledger, caller, { permission: "org:policy", operation });
  if (from.kind !== "admitted") return from;
  const changed = from.org.twoPersonRestore !== twoPersonRestore;
  const org = { ...from.org, twoPersonRestore };
  const version = changed ? nextVersion(ledger, caller, org, operation) : ledger.version;
  const detail = { twoPersonRestore };
  return change(ledger, caller, from, { operation, org, changed, version, options, detail });
}

function nextVersion(
  ledger: Ledger,
  { at, requestId }: Caller,
  org: OrgRecord,
  operation: string,
): number {
  return ledger.nextVersion({ at, orgId: org.id, operation, deviceIds: [], requestId });
}

interface Change {
  readonly operation: string;
  /** As it is afterwards. */
  readonly org: OrgRecord;
  readonly changed: boolean;
  readonly version: number;
  readonly options: ChangeOptions | undefined;
  readonly detail?: object;
}

function change(
  ledger: Ledger,
  { at, requestId }: Caller,
  { key }: Admitted,
  { operation, org, changed, version, options, detail }: Change,
): OrgStandingChanged {
  ledger.replaceOrg(org);
  ledger.audit.append(org.id, {
    at,
    by: key.id,
    operation,
    requestId,
    version,
    detail: { changed, ...detail, ...changeDetail(key, options) },
  });
  return { kind: "org_standing", org, changed, pending: false, version };
}
