export { createAuthority, OwnerKeyUnknownError } from "./authority.ts";
export type {
  Authority,
  AuthorityOptions,
  BootstrapKeys,
  BootstrapOptions,
  EventOptions,
  ListenAddress,
} from "./authority.ts";
export { TlsIdentityError } from "./http/tls.ts";
export type { TlsIdentity } from "./http/tls.ts";
export { decide, decideRegistration, DECISIONS } from "./decide.ts";
export type { Decision, DeviceStanding, OrgStanding, RegistrationDecision } from "./decide.ts";
export type { AuthorityLogger } from "./services.ts";
export { BackupRunningError } from "./store/backup.ts";
export type { StoreBackup } from "./store/backup.ts";
export { Distribution } from "./metrics/distribution.ts";
export { StoreLockedError, StoreSchemaError, StoreUnavailableError } from "./store/errors.ts";
export type { DeviceRecord, KeyRecord, OrgRecord } from "./store/records.ts";
export type { StoreStatistics } from "./store/statistics.ts";
export { sqliteStore } from "./store/sqlite/sqlite-store.ts";
export type {
  AdminKnown,
  AuditChain,
  AuditRow,
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
