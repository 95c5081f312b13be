import type { Guard } from "./guard.ts";
import type { Run } from "./run.ts";

const guards = new WeakMap<object, Guard>();

/** Notes of which guard a run is. */
export function noteRun(guard: Guard, run: Run): Run {
  guards.set(run, guard);
  return run;
}

/** Whether one is a run of the other. */
export const isRunOf = (run: Guard | Run, guard: Guard | Run): boolean => guards.get(run) === guard;
