import type { Boundary } from "./boundary.ts";
import type { ExecutionStoppedError } from "./errors.ts";

/**
 * - `idle`: nothing asked yet
 * - `armed`: the last check was allowed; under a lease, it is good and its channel open
 * - `degraded`: a lease is good but its channel is lost
 * - `blind`: the authority gave no decision, or the lease is over; nothing begins
 * - `stopped`: the authority denied the last check
 * - `closed`: the guard was closed; nothing begins
 */
export type GuardStatus = "idle" | "armed" | "degraded" | "blind" | "stopped" | "closed";

export type CheckOutcome = "allowed" | "denied" | "unavailable" | "aborted";

/** One check, when it is over. */
export interface CheckEvent {
  readonly type: "check";
  readonly deviceId: string;
  readonly runId: string;
  readonly boundary: Boundary;
  /** `aborted`: the caller gave up before there was a decision. */
  readonly outcome: CheckOutcome;
  /** The decision's code; `RUN_STOPPED` when an earlier denial of the run answered; `ABORTED`. */
  readonly code: string;
  readonly requestId: string | undefined;
  /** When the check began, in milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** A run was stopped: from now on nothing of it begins, and its signal is aborted. */
export interface StopEvent {
  readonly type: "stop";
  readonly deviceId: string;
  readonly runId: string;
  readonly code: string;
  readonly error: ExecutionStoppedError;
}

export interface StatusEvent {
  readonly type: "status";
  readonly deviceId: string;
  readonly from: GuardStatus;
  readonly to: GuardStatus;
}

/** A body of `protect` goes on though its run was stopped: it ignores its signal. */
export interface UndrainedEvent {
  readonly type: "undrained";
  readonly deviceId: string;
  readonly runId: string;
  /** Where the body began. */
  readonly boundary: Boundary;
}

/**
 * Whether a stop would be obeyed here, tried now and then under a lease. While it
 * has failed the guard is `blind`.
 */
export interface SelfCheckEvent {
  readonly type: "self_check";
  readonly deviceId: string;
  readonly outcome: "passed" | "failed";
}

export type GuardEvent = CheckEvent | StopEvent | StatusEvent | UndrainedEvent | SelfCheckEvent;

export type GuardListener = (event: GuardEvent) => void;

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** Absent in browsers and on runtimes without Node's built-in modules. */
const diagnostics = globalThis.process?.getBuiltinModule?.("node:diagnostics_channel");
const channels: Readonly<Partial<Record<GuardEvent["type"], Channel>>> =
  diagnostics === undefined
    ? {}
    : {
        check: diagnostics.channel("machineid:check"),
        stop: diagnostics.channel("machineid:stop"),
        undrained: diagnostics.channel("machineid:undrained"),
      };

/** Whether anyone wants to know of events of a type. */
export function isHeard(type: GuardEvent["type"], listener: GuardListener | undefined): boolean {
  return (
    listener !== undefined ||
    channels[type]?.hasSubscribers === true ||
    registered[OPEN_TELEMETRY] !== undefined
  );
}

/**
 * Tells everyone who wants to know: the listener, `diagnostics_channel` and
 * OpenTelemetry. Nothing that goes wrong there changes a decision.
 */
export function emit(event: GuardEvent, listener: GuardListener | undefined): void {
  attempt(publish, event);
  if (registered[OPEN_TELEMETRY] !== undefined) attempt(record, event);
  if (listener !== undefined) attempt(listener, event);
}

function publish(event: GuardEvent): void {
  const channel = channels[event.type];
  if (channel?.hasSubscribers === true) channel.publish(event);
}

/** Where every copy of `@opentelemetry/api` 1.x keeps what an application has registered. */
const OPEN_TELEMETRY: unique symbol = Symbol.for("opentelemetry.js.api.1");
/** Looked at with every event: a plain property is several times faster than `in`. */
const registered = globalThis as { readonly [OPEN_TELEMETRY]?: object };

let loadedRecord: ((event: GuardEvent) => void) | undefined;

/** What is told before the code for it is loaded is recorded a moment later, with its own times. */
function record(event: GuardEvent): void | Promise<void> {
  if (loadedRecord !== undefined) return loadedRecord(event);
  return import("./telemetry.ts").then((telemetry) => {
    loadedRecord = telemetry.record;
    return telemetry.record(event);
  });
}

function attempt<Event extends GuardEvent>(action: (event: Event) => unknown, event: Event): void {
  try {
    const result = action(event);
    if (result instanceof Promise) result.catch(warn);
  } catch (error) {
    warn(error);
  }
}

/** Says that a listener failed; what it threw may not even be fit to print. */
function warn(error: unknown): void {
  const reason = error instanceof Error ? `: ${error.message}` : "";
  warnLoudly(
    `A listener of guard events failed; decisions are not affected${reason}`,
    "EVENT_LISTENER",
  );
}

/** A warning that reaches a person: Node's warnings, or the console elsewhere. */
export function warnLoudly(message: string, code: string): void {
  if (typeof globalThis.process?.emitWarning === "function") {
    process.emitWarning(message, { type: "MachineID", code });
  } else {
    // oxlint-disable-next-line no-console -- a runtime that has no warnings of its own
    console.error(`MachineID [${code}] ${message}`);
  }
}
