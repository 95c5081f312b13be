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
export type { DeviceRecord, KeyRecord, OrgRecord } from "./store/records.ts";
export type { Change, ChangeFeed, ChangesRead } from "./store/changes.ts";
export { MoveError } from "./store/move/move-error.ts";
export { moveStore } from "./store/move/move-store.ts";
export type { Moved, MoveOptions, MoveProgress } from "./store/move/move-store.ts";
export { postgresStore } from "./store/postgres/open.ts";
export { describePostgres, isPostgresUrl } from "./store/postgres/options.ts";
export type { PostgresOptions } from "./store/postgres/options.ts";
export { sqliteStore } from "./store/sqlite/sqlite-store.ts";
export type {
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
