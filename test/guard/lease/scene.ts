import { createGuard } from "../../../src/index.ts";
import type { Clock, Guard, GuardEvent, GuardOptions } from "../../../src/index.ts";
import { scriptedLeases } from "../../support/scripted-leases.ts";
import type { ScriptedLeases } from "../../support/scripted-leases.ts";

export const TOOL = { kind: "tool", name: "transfer" } as const;

export interface ManualClock extends Clock {
  monotonic: number;
  wall: number;
  pass(ms: number): void;
}

/** A clock that stands still until a test moves it. */
export function manualClock(): ManualClock {
  const clock = {
    monotonic: 0,
    wall: 1_000_000,
    monotonicMs: () => clock.monotonic,
    wallMs: () => clock.wall,
    pass(ms: number) {
      clock.monotonic += ms;
      clock.wall += ms;
    },
  };
  return clock;
}

export interface Scene {
  readonly leases: ScriptedLeases;
  readonly clock: ManualClock;
  readonly guard: Guard;
  readonly events: GuardEvent[];
}

/** A guard of device `a` that holds a lease. */
export async function leased(options: Partial<GuardOptions> = {}): Promise<Scene> {
  // A guard loads it within the deadline of its first check, which a busy machine may miss.
  await import("../../../src/guard/lease/index.ts");
  const leases = scriptedLeases();
  const clock = manualClock();
  const events: GuardEvent[] = [];
  const guard = createGuard(leases.client, {
    deviceId: "a",
    enforcement: "lease",
    register: false,
    clock,
    checkTimeoutMs: 200,
    onEvent: (event) => events.push(event),
    ...options,
  });
  await guard.check(TOOL);
  return { leases, clock, guard, events };
}

/** The code of a refusal, or "allowed". */
export const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "allowed",
    (error: unknown) => Reflect.get(error as object, "code"),
  );
