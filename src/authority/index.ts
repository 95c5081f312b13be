export type { AuditDecisions } from "./audit/decisions.ts";
export { createAuthority, OwnerKeyUnknownError } from "./authority.ts";
export type {
  Authority,
  AuthorityOptions,
  BootstrapKeys,
  BootstrapOptions,
  ListenAddress,
} from "./authority.ts";
export { decide, decideRegistration, DECISIONS } from "./decide.ts";
export type { Decision, DeviceStanding, OrgStanding, RegistrationDecision } from "./decide.ts";
export type { AuthorityLogger } from "./services.ts";
export { StoreLockedError, StoreSchemaError, StoreUnavailableError } from "./store/errors.ts";
export type {
  AuditChain,
  AuditCut,
  AuditOpened,
  AuditRow,
  AuditSnapshot,
  AuditStore,
} from "./store/audit-store.ts";
export type { DeviceRecord, KeyRecord, OrgRecord, SigningKeyRecord } from "./store/records.ts";
export type { SigningKeyRotated, SigningStore } from "./store/signing-store.ts";
export { sqliteStore } from "./store/sqlite/sqlite-store.ts";
export type {
  Bootstrap,
  Bootstrapped,
  Caller,
  DevicesListed,
  OrgChanged,
  OrgPatch,
  OrgUsage,
  OrgsListed,
  Registered,
  Removed,
  RevocationChanged,
  Store,
  UnknownKey,
  UsageRead,
  Validated,
} from "./store/store.ts";
export { verifyAudit } from "./verify-audit.ts";
export type { AuditProblem, AuditVerification } from "./verify-audit.ts";
