import type { Run, WorkContext } from "../../src/index.ts";

/**
 * A run that has just been given an allow. Its next gate begins on that allow,
 * if it comes before the turn of the event loop is over; any later gate, a retry
 * for one, asks anew.
 */
export function withFreshPass(run: Run, context: WorkContext): Run {
  let asker: Pick<Run, "protect"> = context;
  afterThisTurn(() => {
    asker = run;
  });
  return {
    id: run.id,
    deviceId: run.deviceId,
    signal: run.signal,
    get stopped() {
      return run.stopped;
    },
    check: (boundary, options) => run.check(boundary, options),
    protect: (boundary, work, options) => asker.protect(boundary, work, options),
  };
}

function afterThisTurn(callback: () => void): void {
  if (typeof globalThis.setImmediate === "function") globalThis.setImmediate(callback);
  else setTimeout(callback, 0);
}
