import type { Guard, Run, Work, WorkContext } from "../../src/index.ts";

/** Work that blocks the event loop could outlast an allow within one turn. */
const MAX_AGE_MS = 50;

/**
 * A run that has just been given an allow. Its next gate begins on that allow,
 * if it comes before the turn of the event loop is over; any later gate, a retry
 * for one, asks anew.
 */
export function withFreshPass(guard: Guard, run: Run, context: WorkContext): Run {
  const allowedAt = performance.now();
  let isFresh = true;
  const spend = (): boolean => {
    const wasFresh = isFresh;
    isFresh = false;
    // The last look before a body is the guard's own, unless it was only just now.
    return wasFresh && guard.status !== "closed" && performance.now() - allowedAt < MAX_AGE_MS;
  };
  afterThisTurn(() => void spend());
  return {
    id: run.id,
    deviceId: run.deviceId,
    signal: run.signal,
    get stopped() {
      return run.stopped;
    },
    check: (boundary, options) => run.check(boundary, options),
    protect: async <T>(...[boundary, work, options]: Parameters<typeof run.protect<T>>) => {
      if (!spend()) return run.protect(boundary, work, options);
      return begin(run, work, context, options?.signal);
    },
  };
}

function begin<T>(
  run: Run,
  work: Work<T>,
  context: WorkContext,
  signal: AbortSignal | undefined,
): T | PromiseLike<T> {
  const both = signal === undefined ? run.signal : AbortSignal.any([run.signal, signal]);
  both.throwIfAborted();
  return work(both, context);
}

function afterThisTurn(callback: () => void): void {
  if (typeof globalThis.setImmediate === "function") globalThis.setImmediate(callback);
  else setTimeout(callback, 0);
}
