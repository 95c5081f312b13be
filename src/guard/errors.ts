import { MachineIDError } from "../client/index.ts";
import type { GuardCode } from "../wire/index.ts";
import { describeBoundary } from "./boundary.ts";
import type { Boundary } from "./boundary.ts";

export interface StopDetails {
  /** Where work was about to begin. */
  readonly boundary: Boundary;
  readonly deviceId: string;
  /** The run that was stopped. */
  readonly runId: string;
  /** The authority's id of the answer, for logs and support. */
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Guarded work was not begun. Either {@link ExecutionDeniedError} or
 * {@link AuthorityUnavailableError}, or this class itself when the guard was
 * closed or misused.
 *
 * Its message has nothing of the authority's but the code, since frameworks show
 * messages of errors to models; the request id is in `requestId`.
 */
export class ExecutionStoppedError extends MachineIDError {
  static override readonly marker: symbol = Symbol.for("machineid.error.execution-stopped");
  readonly boundary: Boundary;
  readonly deviceId: string;
  readonly runId: string;
  readonly requestId: string | undefined;

  constructor(code: string, problem: string, details: StopDetails) {
    const { boundary, deviceId, runId, requestId, cause } = details;
    super(
      code,
      `${problem} at ${describeBoundary(boundary)} for device ${JSON.stringify(deviceId)}: ${code}`,
      cause === undefined ? {} : { cause },
    );
    this.name = "ExecutionStoppedError";
    this.boundary = boundary;
    this.deviceId = deviceId;
    this.runId = runId;
    this.requestId = requestId;
  }
}

/** The authority said no. `code` is the decision's, for example `DEVICE_REVOKED`. */
export class ExecutionDeniedError extends ExecutionStoppedError {
  static override readonly marker: symbol = Symbol.for("machineid.error.execution-denied");

  constructor(code: string, details: StopDetails) {
    super(code, "Execution denied", details);
    this.name = "ExecutionDeniedError";
  }
}

export interface UnavailableDetails extends StopDetails {
  /** The code the server gave, when it answered with a failure. */
  readonly serverCode?: string | undefined;
}

/** The authority gave no decision, so nothing begins. `code` says what was missing. */
export class AuthorityUnavailableError extends ExecutionStoppedError {
  static override readonly marker: symbol = Symbol.for("machineid.error.authority-unavailable");
  declare readonly code: GuardCode;
  readonly serverCode: string | undefined;

  constructor(code: GuardCode, details: UnavailableDetails) {
    super(code, "Execution stopped, no decision", details);
    this.name = "AuthorityUnavailableError";
    this.serverCode = details.serverCode;
  }
}

/** Where frameworks put an error that they wrap. */
const WRAPPING_PROPERTIES = ["cause", "error", "errors", "reason", "lastError"] as const;
const MAX_ERRORS_SEARCHED = 1000;

/**
 * Finds the {@link ExecutionStoppedError} inside whatever a framework wrapped
 * around it: causes, aggregates, retry errors, abort reasons. Returns undefined
 * when there is none.
 */
export function findExecutionStopped(error: unknown): ExecutionStoppedError | undefined {
  const seen = new Set<unknown>();
  const queue: unknown[] = [error];
  for (let next = queue.shift(); queue.length > 0 || next !== undefined; next = queue.shift()) {
    if (ExecutionStoppedError.isInstance(next)) return next;
    if (typeof next !== "object" || next === null || seen.has(next)) continue;
    if (seen.size >= MAX_ERRORS_SEARCHED) return undefined;
    seen.add(next);
    if (Array.isArray(next)) queue.push(...next.slice(0, MAX_ERRORS_SEARCHED));
    else for (const property of WRAPPING_PROPERTIES) queue.push(read(next, property));
  }
  return undefined;
}

/** A getter of somebody's error may throw; there is nothing to find then. */
function read(value: object, property: string): unknown {
  try {
    return Reflect.get(value, property);
  } catch {
    return undefined;
  }
}
