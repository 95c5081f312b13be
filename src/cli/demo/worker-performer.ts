import type { Performer } from "./performer.ts";

/** A plain loop under a guard, without any framework. */
export const workerPerformer: Performer = (guard) => async (assignment) => {
  const run = guard.run({ signal: assignment.signal });
  while (assignment.hasMore()) {
    await run.protect({ kind: "task", name: "send_report" }, () => assignment.act());
  }
};
