import type { Guard, Run, Work, WorkContext } from "../../src/index.ts";
import type { Begun } from "../shared/protect-while.ts";

/**
 * Makes a body of `handOn`, which is given the run to gate what is further inside.
 * The first gate of that run asks nothing if it comes before the turn of the event
 * loop is over: what it gates is the body that has just begun. Any later gate, a
 * retry for one, asks. The body lasts until that first gate's work has settled too.
 */
export function beginning<T>(
  guard: Guard,
  run: Run,
  handOn: (run: Run) => T | PromiseLike<T>,
): Work<Begun<T>> {
  return (signal, context) => {
    let isBeginning = true;
    const over: unknown[] = [];
    afterThisTurn(() => {
      isBeginning = false;
    });
    const inside: Run = {
      id: run.id,
      deviceId: run.deviceId,
      signal: run.signal,
      get stopped() {
        return run.stopped;
      },
      check: (boundary, options) => run.check(boundary, options),
      protect: async (boundary, work, options) => {
        const mayBegin = isBeginning && guard.status !== "closed" && run.stopped === undefined;
        isBeginning = false;
        if (!mayBegin || options?.strict === true) return run.protect(boundary, work, options);
        const working = begin(work, signal, context, options?.signal);
        over.push(working);
        return working;
      },
    };
    const value = Promise.resolve(handOn(inside));
    const settled = (): Promise<unknown> => {
      // The body is over: what still comes is another.
      isBeginning = false;
      return Promise.allSettled(over);
    };
    return { value, over: value.then(settled, settled) };
  };
}

async function begin<T>(
  work: Work<T>,
  signal: AbortSignal,
  context: WorkContext,
  own: AbortSignal | undefined,
): Promise<T> {
  const both = own === undefined ? signal : AbortSignal.any([signal, own]);
  both.throwIfAborted();
  return work(both, context);
}

function afterThisTurn(callback: () => void): void {
  if (typeof globalThis.setImmediate === "function") globalThis.setImmediate(callback);
  else setTimeout(callback, 0);
}
