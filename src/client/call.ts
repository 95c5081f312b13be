import { DEFAULT_STOP_TIMEOUT_MS } from "../wire/index.ts";
import type { FailureAnswer, OrgOperation, StopWait } from "../wire/index.ts";
import { checkTimeout } from "./options.ts";

/** An answer as it came, which may be a failure: look at its `status`. */
export type Answered<Body> = Promise<Body | FailureAnswer>;

/** How long one call may take. */
export interface CallOptions {
  /** Aborts the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Overrides the client's deadline for this call, in milliseconds. `Infinity`
   * leaves the deadline to `signal`, which is then required.
   */
  readonly timeoutMs?: number | undefined;
}

/** A change, and why it is made. */
export interface ChangeOptions extends CallOptions {
  /** For the audit of a self-hosted authority; at most 500 characters. */
  readonly reason?: string | undefined;
}

/** A change that lets work begin again. */
export interface RestoreOptions extends ChangeOptions {
  /**
   * Version of the change log as far as the caller has seen it: a stop that came
   * later is not undone, and the answer is 409 `CONFLICT`. @default the version
   * that is read just before, where the authority has the feature `if_version`
   */
  readonly ifVersion?: number | undefined;
}

/** How a device is registered. */
export interface RegisterOptions extends CallOptions {
  /** Under whom, on a self-hosted authority: only that owner's keys may restore it. */
  readonly owner?: string | undefined;
}

/** Devices by their ids, or all whose id a pattern covers, for example `worker:prod:*`. */
export type DeviceSelection = readonly string[] | { readonly devicePattern: string };

/** A change that stops something, and whether its answer waits. Self-hosted authorities with the feature `stops`. */
export interface StopOptions extends ChangeOptions {
  /**
   * How far the stop is to have come when it is answered: `fenced`, nothing can
   * begin any more, anywhere; `drained`, what ran has ended, too. The answer says
   * in `stop` how far it has come. @default not to wait, and nothing of it is said
   */
  readonly wait?: StopWait | undefined;
  /**
   * How long that is waited for, in milliseconds; the answer then says `pending`.
   * It is added to `timeoutMs`. @default 15_000
   */
  readonly waitTimeoutMs?: number | undefined;
}

/** The fields of a request that say whether its answer waits. */
export const waitingOf = ({
  wait,
  waitTimeoutMs,
}: StopOptions): { wait?: StopWait | undefined; timeout_ms?: number | undefined } =>
  wait === undefined ? {} : { wait, timeout_ms: waitTimeoutMs };

/** How long an answer is to wait for a stop: whoever asks for it is not given up before. */
export function waitingMsOf(body: Readonly<Record<string, unknown>> = {}): number {
  const { wait, timeout_ms: timeoutMs = DEFAULT_STOP_TIMEOUT_MS } = body;
  return wait === undefined || wait === "none" ? 0 : Number(timeoutMs);
}

/** How several devices are revoked. */
export interface BatchOptions extends ChangeOptions {
  /** Change nothing, and answer what would be changed. @default false */
  readonly dryRun?: boolean | undefined;
}

/** How several devices are revoked, and whether the answer waits. */
export interface StopBatchOptions extends BatchOptions, StopOptions {}

/** Which part of a list that comes in pages is read. */
export interface PageOptions extends CallOptions {
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
}

/** How several devices are restored. */
export interface RestoreBatchOptions extends BatchOptions, RestoreOptions {}

/** Which devices are listed; without any of it, all of them. */
export interface ListDevicesOptions extends PageOptions {
  /** At most so many, up to 500; `cursor` in the answer says where the next page begins. */
  readonly limit?: number | undefined;
  /** Only devices that it covers, for example `worker:prod:*`. */
  readonly devicePattern?: string | undefined;
}

/** Which audit entries to read; see `docs/audit.md`. */
export interface AuditOptions extends CallOptions {
  /** Where the page before ended; it keeps that page's order. */
  readonly cursor?: string | undefined;
  /** Most entries in the answer: 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** `asc`: oldest first. @default "asc" */
  readonly order?: "asc" | "desc" | undefined;
  readonly deviceId?: string | undefined;
  readonly code?: string | undefined;
  /** Entries from this instant on. */
  readonly since?: Date | undefined;
  /** Entries of this chain alone. */
  readonly chain?: string | undefined;
}

/** Performs an operation and returns its answer's JSON as it came. A field that is undefined is not sent. */
export type Ask = <T>(
  operation: OrgOperation,
  body: Readonly<Record<string, unknown>> | undefined,
  options: CallOptions | undefined,
) => Promise<T>;

/** The deadline of a call in milliseconds: its own, or the client's. @throws {@link InvalidArgumentError} */
export function deadlineOf({ timeoutMs, signal }: CallOptions, defaultMs: number): number {
  if (timeoutMs === Number.POSITIVE_INFINITY && signal !== undefined) return timeoutMs;
  return checkTimeout(timeoutMs ?? defaultMs, "timeoutMs");
}
