export type { AuditDecisions } from "./audit/decisions.ts";
export { createAuthority, OwnerKeyUnknownError } from "./authority.ts";
export type { Authority, BootstrapKeys, BootstrapOptions, ListenAddress } from "./authority.ts";
export type { AuthorityOptions, EventOptions } from "./authority-options.ts";
export type { LeaseLimits } from "./leases/lease-door.ts";
export type {
  DeviceDecided,
  DevicesDecided,
  LeaseAdmitted,
  LeaseMembership,
  LeaseStore,
  LeaseTerms,
  ReplicaRow,
  ReplicaStanding,
  StopReport,
  StopReported,
  WantedTerms,
} from "./store/lease-store.ts";
export { PERMISSIONS } from "./authorize.ts";
export type { Access, ForbiddenReason, KeyStanding, Permission } from "./authorize.ts";
export type { KeyConflict, KeyRotation, KeySecret } from "./key-lifecycle.ts";
export { TlsIdentityError } from "./http/tls.ts";
export type { TlsIdentity } from "./http/tls.ts";
export { decide, decideRegistration, DECISIONS } from "./decide.ts";
export type { Decision, DeviceStanding, OrgStanding, RegistrationDecision } from "./decide.ts";
export { DEFAULT_LIMITS } from "./limits/gatekeeper.ts";
export type { Limits } from "./limits/gatekeeper.ts";
export type { RateLimit } from "./limits/rate-limiter.ts";
export type { AuthorityLogger } from "./services.ts";
export { BackupRunningError } from "./store/backup.ts";
export type { StoreBackup } from "./store/backup.ts";
export { Distribution } from "./metrics/distribution.ts";
export { StoreLockedError, StoreSchemaError, StoreUnavailableError } from "./store/errors.ts";
export type { Change, ChangeFeed, ChangesRead } from "./store/changes.ts";
export { MoveError } from "./store/move/move-error.ts";
export { moveStore } from "./store/move/move-store.ts";
export type { Moved, MoveOptions, MoveProgress } from "./store/move/move-store.ts";
export { postgresStore } from "./store/postgres/open.ts";
export { describePostgres, isPostgresUrl } from "./store/postgres/options.ts";
export type { PostgresOptions } from "./store/postgres/options.ts";
export type { StoreStatistics } from "./store/statistics.ts";
export type {
  AuditChain,
  AuditCut,
  AuditOpened,
  AuditRow,
  AuditSnapshot,
  AuditStore,
} from "./store/audit-store.ts";
export type {
  DeviceRecord,
  KeyRecord,
  OrgRecord,
  RestoreRequest,
  SigningKeyRecord,
} from "./store/records.ts";
export type { SigningKeyRotated, SigningStore } from "./store/signing-store.ts";
export { sqliteStore } from "./store/sqlite/sqlite-store.ts";
export type {
  Caller,
  ChangeOptions,
  Forbidden,
  Refused,
  RestoreOptions,
  UnknownKey,
  VersionConflict,
} from "./store/caller.ts";
export type {
  DevicePage,
  DeviceSelection,
  DevicesListed,
  DeviceStore,
  Registered,
  RegisterOptions,
  Removed,
  RevocationChanged,
  RevocationOptions,
  Validated,
} from "./store/device-store.ts";
export type {
  KeyChanged,
  KeyDraft,
  KeyNotFound,
  KeyRefused,
  KeysListed,
  KeyStore,
} from "./store/key-store.ts";
export type {
  AdminKeyRotated,
  AdminKeyRotation,
  AdminKnown,
  AdminStore,
  OrgChanged,
  OrgPatch,
  OpenedPart,
  OrgOpened,
  OrgPolicy,
  OrgRead,
  OrgsListed,
  OrgStandingChanged,
  OrgStore,
  OrgUsage,
  UsageRead,
} from "./store/org-store.ts";
export type { Bootstrap, Bootstrapped, Store } from "./store/store.ts";
export { verifyAudit } from "./verify-audit.ts";
export type { AuditProblem, AuditVerification } from "./verify-audit.ts";
