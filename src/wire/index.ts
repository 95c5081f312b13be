export {
  batchAnswerSchema,
  createOrgAnswerSchema,
  deviceChangeAnswerSchema,
  failureAnswerSchema,
  healthAnswerSchema,
  keyChangeAnswerSchema,
  listDevicesAnswerSchema,
  listKeysAnswerSchema,
  listOrgsAnswerSchema,
  metaAnswerSchema,
  newAdminKeyAnswerSchema,
  newKeyAnswerSchema,
  orgStateAnswerSchema,
  registerAnswerSchema,
  registerBlockedAnswerSchema,
  setOrgPlanAnswerSchema,
  usageAnswerSchema,
  validateAnswerSchema,
} from "./answers.ts";
export type {
  BatchAnswer,
  Device,
  DeviceChangeAnswer,
  FailureAnswer,
  Key,
  KeyChangeAnswer,
  ListDevicesAnswer,
  ListKeysAnswer,
  MetaAnswer,
  NewKeyAnswer,
  Org,
  OrgStateAnswer,
  RegisterAnswer,
  RegisterBlockedAnswer,
  UsageAnswer,
  ValidateAnswer,
} from "./answers.ts";
export {
  auditAnswerSchema,
  auditChainsAnswerSchema,
  auditCheckpointSchema,
  auditEntrySchema,
  devicesOfEntry,
  auditExportSchema,
  auditQuerySchema,
  auditStatementSchema,
} from "./audit.ts";
export type {
  AuditAnswer,
  AuditChainAnswer,
  AuditChainsAnswer,
  AuditEntry,
  AuditExport,
  AuditStatement,
} from "./audit.ts";
export { DECISION_CODES, FAILURE_CODES, GUARD_CODES, REGISTRATION_CODES } from "./codes.ts";
export type { DecisionCode, FailureCode, GuardCode, RegistrationCode } from "./codes.ts";
export { readDecision, readRegistration, requestIdOf, UNNAMED_DENIAL } from "./decision.ts";
export type { ReadDecision, Verdict } from "./decision.ts";
export { HANDLERS } from "./handlers.ts";
export { MAX_DEVICE_ID_LENGTH, readDeviceId } from "./device-id.ts";
export { matchesDevice, readDevicePattern } from "./device-pattern.ts";
export { EVENT_TYPES, LAST_EVENT_ID_HEADER, orgEventSchema, RESET_EVENT } from "./events.ts";
export type { EventType, OrgEvent } from "./events.ts";
export { KEY_PREFIXES, KEY_ROLES } from "./key.ts";
export type { KeyRole } from "./key.ts";
export { PLAN_LIMITS, PLAN_STATES, PLAN_TIERS } from "./plan.ts";
export type { PlanState, PlanTier } from "./plan.ts";
export {
  batchRequestSchema,
  changeDeviceRequestSchema,
  createKeyRequestSchema,
  createOrgRequestSchema,
  deviceIdSchema,
  deviceRequestSchema,
  listDevicesQuerySchema,
  orgNameSchema,
  rotateAdminKeyRequestSchema,
  planSchema,
  registerRequestSchema,
  resumeOrgRequestSchema,
  readSessionsQuerySchema,
  readStopQuerySchema,
  revokeKeyRequestSchema,
  revokeRequestSchema,
  rotateKeyRequestSchema,
  setOrgPlanRequestSchema,
  setOrgPolicyRequestSchema,
  stopOrgRequestSchema,
  unrevokeRequestSchema,
  validateRequestSchema,
} from "./requests.ts";
export type { Plan, StopWait } from "./requests.ts";
export {
  ADMIN_KEY_HEADER,
  DEFAULT_STOP_TIMEOUT_MS,
  LEASE_PATH,
  MAX_ANSWER_BYTES,
  MAX_AUDIT_PAGE,
  MAX_BATCH_SIZE,
  MAX_OVERLAP_MS,
  MAX_PAGE_SIZE,
  MAX_REQUEST_BYTES,
  MAX_STOP_TIMEOUT_MS,
  ORG_KEY_HEADER,
  REQUEST_ID_HEADER,
  ORG_ROUTES,
  ROUTES,
} from "./routes.ts";
export type { Operation, OrgOperation, Route } from "./routes.ts";
export {
  jwksAnswerSchema,
  rotateSigningKeyAnswerSchema,
  rotateSigningKeyRequestSchema,
} from "./signing.ts";
export { leaseAnswerSchema, leaseRequestSchema } from "./lease-messages.ts";
export type { LeaseAnswer, LeaseRequest, RunningBodyNews } from "./lease-messages.ts";
export type { Ed25519Jwk, Jwks } from "./signing.ts";
export { SIGNATURE_TYPES } from "./signature-types.ts";
export type { SignatureType } from "./signature-types.ts";
export { deviceSessionsSchema, sessionsAnswerSchema } from "./sessions.ts";
export type { DeviceSessions, SessionsAnswer } from "./sessions.ts";
export { stopAnswerSchema, stopProgressSchema } from "./stops.ts";
export type { StopAnswer, StopHolderAnswer, StopProgress } from "./stops.ts";
