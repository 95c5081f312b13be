export { describeBoundary } from "./boundary.ts";
export type { Boundary, BoundaryKind } from "./boundary.ts";
export type { Clock } from "./clock.ts";
export type { Decision } from "./decision.ts";
export { denialPayload } from "./denial.ts";
export type { DenialPayload } from "./denial.ts";
export {
  AuthorityUnavailableError,
  ExecutionDeniedError,
  ExecutionStoppedError,
  findExecutionStopped,
} from "./errors.ts";
export type { StopDetails, UnavailableDetails } from "./errors.ts";
export type {
  CheckEvent,
  CheckOutcome,
  GuardEvent,
  GuardListener,
  GuardStatus,
  SelfCheckEvent,
  StatusEvent,
  StopEvent,
  UndrainedEvent,
} from "./events.ts";
export { guardFunction } from "./guard-function.ts";
export type { Guarded } from "./guard-function.ts";
export { createGuard, DEFAULT_CHECK_TIMEOUT_MS } from "./guard.ts";
export type { Guard, GuardOptions } from "./guard.ts";
export type { CheckOptions, Run, RunOptions, Work, WorkContext } from "./run.ts";
export type { GuardClient } from "./strict-source.ts";
