import type { Boundary, CheckOptions, Run, Work } from "../../src/index.ts";
import { untilStopped } from "./until-stopped.ts";

/** What work gives while it goes on. */
export interface Begun<T> {
  readonly value: T | PromiseLike<T>;
  /** Settles when the work has ended, be it after the value. */
  readonly over: Promise<unknown>;
}

/**
 * {@link Run.protect} for work that gives something and goes on behind it, such
 * as a stream: resolves with what it gives, and the body lasts until it is over,
 * so that a stop knows of it. Rejects with the refusal as soon as the run is
 * stopped, whatever the work does.
 */
export function protectWhile<T>(
  run: Run,
  boundary: Boundary,
  work: Work<Begun<T>>,
  options?: CheckOptions,
): Promise<T> {
  const given = new Promise<T>((resolve, reject) => {
    const body: Work<void> = async (signal, context) => {
      const { value, over } = await work(signal, context);
      resolve(value);
      await Promise.allSettled([value, over]);
    };
    run.protect(boundary, body, options).catch(reject);
  });
  return untilStopped(run, given);
}

/** {@link Run.protect}, but it rejects as soon as the run is stopped, whatever the work does. */
export const protectUntilStopped = <T>(
  run: Run,
  boundary: Boundary,
  work: Work<T>,
  options?: CheckOptions,
): Promise<T> => untilStopped(run, run.protect(boundary, work, options));
