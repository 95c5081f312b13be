import { checkDeviceId, checkTimeout, InvalidArgumentError } from "../client/index.ts";
import type { Boundary } from "./boundary.ts";
import { systemClock, timekeeperOf } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { DecisionSource } from "./decision-source.ts";
import type { Decision } from "./decision.ts";
import { Enforcer } from "./enforcer.ts";
import type { GuardListener, GuardStatus } from "./events.ts";
import { emit } from "./events.ts";
import { holderOf } from "./holder.ts";
import { LoadedSource } from "./loaded-source.ts";
import { noteRun } from "./run-guards.ts";
import { GuardedRun } from "./run.ts";
import type { CheckOptions, Run, RunOptions, Work } from "./run.ts";
import { StrictSource } from "./strict-source.ts";
import type { GuardClient } from "./strict-source.ts";

/** Deadline of a whole check, in milliseconds. */
export const DEFAULT_CHECK_TIMEOUT_MS = 2000;

const ENFORCEMENTS: ReadonlySet<string> = new Set(["strict", "lease", "auto"]);

export interface GuardOptions {
  /** The device that this process acts as. */
  readonly deviceId: string;
  /**
   * `strict`: every check asks the authority. `lease`: checks are decided by a
   * lease that the authority keeps renewing and can take back at any time; out
   * of lease, nothing begins. `auto`: `lease` where the authority offers it and
   * its channel can be had, else `strict`. @default "strict"
   */
  readonly enforcement?: "strict" | "lease" | "auto" | undefined;
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
   * Where bodies of `protect` began that go on though they were stopped, in this
   * process and under this device. Empty: what was stopped has ended.
   */
  readonly undrained: readonly Boundary[];
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
  /**
   * Denies everything from now on with `GUARD_CLOSED`. Work that has begun is not ended;
   * under a lease a stop reaches it until it has settled.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a guard. Opens no connection before the first check.
 *
 * @throws {@link InvalidArgumentError} `DEVICE_ID_INVALID`, `TIMEOUT_INVALID`, `OPTION_INVALID`
 */
export function createGuard(client: GuardClient, options: GuardOptions): Guard {
  const { enforcement = "strict" } = options;
  if (!ENFORCEMENTS.has(enforcement)) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      'enforcement must be "strict", "lease" or "auto"',
    );
  }
  if (enforcement === "lease" && client.openLeaseChannel === undefined) {
    throw new InvalidArgumentError(
      "OPTION_INVALID",
      'enforcement "lease" needs a client that opens lease channels: one without authorityKey, since leases are not signed',
    );
  }
  const { onEvent, clock = systemClock } = options;
  const deviceId = checkDeviceId(options.deviceId);
  const timeoutMs = checkTimeout(
    options.checkTimeoutMs ?? DEFAULT_CHECK_TIMEOUT_MS,
    "checkTimeoutMs",
  );
  const time = timekeeperOf(clock);
  const holder = holderOf(client, time);
  const device = holder.device(deviceId);
  const registers = options.register !== false;
  const strict = new StrictSource({ client, device, time, timeoutMs });
  const load = async (): Promise<DecisionSource> => {
    const { findSource } = await import("./lease/index.ts");
    return findSource({
      client,
      holder,
      device,
      strict,
      registers,
      timeoutMs,
      isOptional: enforcement === "auto",
      onChange: () => enforcer.refreshStatus(),
      onEvent: (event) => emit(event, onEvent),
    });
  };
  const source: DecisionSource =
    enforcement === "strict" ? strict : new LoadedSource(load, (found) => enforcer.adopt(found));
  const enforcer: Enforcer = new Enforcer({ device, source, time, timeoutMs, registers, onEvent });
  const run = (runOptions?: RunOptions): Run => new GuardedRun(enforcer, runOptions);
  const close = async (): Promise<void> => {
    enforcer.close();
  };
  const guard: Guard = {
    deviceId,
    get status() {
      return enforcer.status;
    },
    get undrained() {
      return device.undrained();
    },
    start: (checkOptions) => {
      enforcer.forgetRegistration();
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
