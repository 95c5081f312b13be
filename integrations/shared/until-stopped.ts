import type { Run } from "../../src/index.ts";

/**
 * Waits for `work`, but not beyond the stop of the run. Rejects with the
 * refusal itself once the run is stopped, whatever became of it inside.
 */
export function untilStopped<T>(run: Run, work: PromiseLike<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      if (run.stopped !== undefined) reject(run.stopped);
    };
    run.signal.addEventListener("abort", onAbort);
    onAbort();
    const settle = (settleAsIs: () => void): void => {
      run.signal.removeEventListener("abort", onAbort);
      if (run.stopped === undefined) settleAsIs();
      else reject(run.stopped);
    };
    Promise.resolve(work).then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
