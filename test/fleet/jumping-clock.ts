import { systemClock } from "../../src/guard/clock.ts";
import type { Clock } from "../../src/guard/clock.ts";

/** Readings of the clock between two jumps, about. */
const JUMP_EVERY = 20_000;
const LONGEST_JUMP_MS = 3_600_000;

/** A clock whose time of day jumps now and then, back and forth; monotonic time is the machine's. */
export function jumpingClock(): Clock {
  let offsetMs = 0;
  return {
    monotonicMs: () => systemClock.monotonicMs(),
    wallMs() {
      if (Math.random() * JUMP_EVERY < 1) offsetMs = (Math.random() * 2 - 1) * LONGEST_JUMP_MS;
      return systemClock.wallMs() + offsetMs;
    },
  };
}
