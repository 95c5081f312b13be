import { checkDeviceId, checkTimeout, InvalidArgumentError } from "../client/index.ts";
import type { Boundary } from "./boundary.ts";
import { systemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { Enforcer } from "./enforcer.ts";
import type { GuardListener, GuardStatus } from "./events.ts";
import { noteRun } from "./run-guards.ts";
import { GuardedRun } from "./run.ts";
import type { CheckOptions, Decision, Run, RunOptions, Work } from "./run.ts";
import { StrictSource } from "./strict-source.ts";
import type { GuardClient } from "./strict-source.ts";

/** Deadline of a whole check, in milliseconds. */
export const DEFAULT_CHECK_TIMEOUT_MS = 2000;

export interface GuardOptions {
  /** The device that this process acts as. */
  readonly deviceId: string;
  /** `strict`: every check asks the authority. @default "strict" */
  readonly enforcement?: "strict" | undefined;
  /** Whether the first check registers the device. @default true */
  readonly register?: boolean | undefined;
  /** Deadline of a whole check in milliseconds: connect, retries and answer. @default 2000 */
  readonly checkTimeoutMs?: number | undefined;
  /** Told of every check, stop and change of status. What it throws changes no decision. */
  readonly onEvent?: GuardListener | undefined;
  /** Where time is read; for tests. */
  readonly clock?: Clock | undefined;
}

/**
 * Gates the work of one device in one process. Nothing guarded begins without
 * an allow: no answer, a late one or one that cannot be read denies, and no
 * option changes that.
 */
export interface Guard {
  readonly deviceId: string;
  readonly status: GuardStatus;
  /**
   * Registers the device and asks at the startup boundary. A check on a guard
   * that was not started registers first, so calling this is optional.
   */
  start(options?: CheckOptions): Promise<Decision>;
  /** Begins a run: one latch and one signal for a piece of work. */
  run(options?: RunOptions): Run;
  /** {@link Run.check} in a run of its own. */
  check(boundary: Boundary, options?: CheckOptions): Promise<Decision>;
  /** {@link Run.protect} in a run of its own. */
  protect<T>(boundary: Boundary, work: Work<T>, options?: CheckOptions): Promise<T>;
  /** Denies everything from now on with `GUARD_CLOSED`. Work that has begun is not ended. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a guard. Opens no connection before the first check.
 *
 * @throws {@link InvalidArgumentError} `DEVICE_ID_INVALID`, `TIMEOUT_INVALID`, `OPTION_INVALID`
 */
export function createGuard(client: GuardClient, options: GuardOptions): Guard {
  if (options.enforcement !== undefined && options.enforcement !== "strict") {
    throw new InvalidArgumentError("OPTION_INVALID", 'enforcement must be "strict"');
  }
  const { onEvent, clock = systemClock } = options;
  const deviceId = checkDeviceId(options.deviceId);
  const timeoutMs = checkTimeout(
    options.checkTimeoutMs ?? DEFAULT_CHECK_TIMEOUT_MS,
    "checkTimeoutMs",
  );
  const source = new StrictSource({ client, deviceId, clock, timeoutMs });
  const registers = options.register !== false;
  const enforcer = new Enforcer({ deviceId, source, clock, timeoutMs, registers, onEvent });
  const run = (runOptions?: RunOptions): Run => new GuardedRun(enforcer, onEvent, runOptions);
  const close = async (): Promise<void> => enforcer.close();
  const guard: Guard = {
    deviceId,
    get status() {
      return enforcer.status;
    },
    start: (checkOptions) => {
      source.forgetRegistration();
      return run().check({ kind: "startup" }, checkOptions);
    },
    run: (runOptions) => noteRun(guard, run(runOptions)),
    check: (boundary, checkOptions) => run().check(boundary, checkOptions),
    protect: (boundary, work, checkOptions) => run().protect(boundary, work, checkOptions),
    close,
    [Symbol.asyncDispose]: close,
  };
  return guard;
}
