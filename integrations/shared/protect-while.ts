import type { Boundary, CheckOptions, Run, Work } from "../../src/index.ts";

/** What work gives while it goes on. */
export interface Begun<T> {
  readonly value: T | PromiseLike<T>;
  /** Settles when the work has ended, be it after the value. */
  readonly over: Promise<unknown>;
}

/**
 * {@link Run.protect} for work that gives something and goes on behind it, such
 * as a stream: resolves with what it gives, and the body lasts until it is over,
 * so that a stop knows of it.
 */
export function protectWhile<T>(
  owner: Pick<Run, "protect">,
  boundary: Boundary,
  work: Work<Begun<T>>,
  options?: CheckOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const body: Work<void> = async (signal, context) => {
      const { value, over } = await work(signal, context);
      resolve(value);
      await Promise.allSettled([value, over]);
    };
    owner.protect(boundary, body, options).catch(reject);
  });
}
