export {
  batchAnswerSchema,
  createOrgAnswerSchema,
  deviceChangeAnswerSchema,
  failureAnswerSchema,
  healthAnswerSchema,
  listDevicesAnswerSchema,
  listOrgsAnswerSchema,
  metaAnswerSchema,
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
  ListDevicesAnswer,
  MetaAnswer,
  Org,
  RegisterAnswer,
  RegisterBlockedAnswer,
  UsageAnswer,
  ValidateAnswer,
} from "./answers.ts";
export { DECISION_CODES, FAILURE_CODES, GUARD_CODES, REGISTRATION_CODES } from "./codes.ts";
export type { DecisionCode, FailureCode, GuardCode, RegistrationCode } from "./codes.ts";
export { readDecision, readRegistration, requestIdOf, UNNAMED_DENIAL } from "./decision.ts";
export type { Verdict } from "./decision.ts";
export { MAX_DEVICE_ID_LENGTH, readDeviceId } from "./device-id.ts";
export { EVENT_TYPES, LAST_EVENT_ID_HEADER, orgEventSchema, RESET_EVENT } from "./events.ts";
export type { EventType, OrgEvent } from "./events.ts";
export { PLAN_LIMITS, PLAN_STATES, PLAN_TIERS } from "./plan.ts";
export type { PlanState, PlanTier } from "./plan.ts";
export {
  batchRequestSchema,
  createOrgRequestSchema,
  deviceIdSchema,
  deviceRequestSchema,
  planSchema,
  setOrgPlanRequestSchema,
} from "./requests.ts";
export type { Plan } from "./requests.ts";
export {
  ADMIN_KEY_HEADER,
  MAX_ANSWER_BYTES,
  MAX_BATCH_SIZE,
  MAX_REQUEST_BYTES,
  ORG_KEY_HEADER,
  REQUEST_ID_HEADER,
  ROUTES,
} from "./routes.ts";
export type { Operation, Route } from "./routes.ts";
