import { MAX_ACK_AFTER_MS } from "../../wire/lease-limits.ts";

/** Whoever a frame can be sent to. */
export interface Receiver {
  push(frame: Buffer): void;
}

/** What is to be done for many, one short step after the other. */
export type Steps = Iterator<undefined, void>;

/** What is done first: a stop never waits for a hint. */
export type Urgency = "stop" | "hint";

/** How long steps are taken before others have their turn, in milliseconds. */
const SLICE_MS = 2;
/** Steps of one, before the next one's: a stop of few is not held up by a stop of thousands. */
const STEPS_IN_TURN = 16;

/** What one of many takes at most, on a machine that is busy, in milliseconds. */
const STEP_MS = 0.02;
/** What is over so soon, acknowledgements do not hold up. */
const SHORT_MS = 10;

/**
 * How long those who are reached are to wait before they acknowledge, in
 * milliseconds: until all have been. What they say is work for the same thread.
 */
export function ackAfter(count: number): number {
  const durationMs = Math.ceil(count * STEP_MS);
  return durationMs < SHORT_MS ? 0 : Math.min(durationMs, MAX_ACK_AFTER_MS);
}

/** Reaches many, and lets everything else go on in between. */
export class FanOut {
  readonly #waiting: Readonly<Record<Urgency, Steps[]>> = { stop: [], hint: [] };
  #isScheduled = false;

  /** Takes steps from the next {@link FanOut.flush} on. */
  add(steps: Steps, urgency: Urgency): void {
    this.#waiting[urgency].push(steps);
  }

  push(to: Receiver, frame: Buffer, urgency: Urgency): void {
    this.add(sending(to, frame), urgency);
  }

  /** Does what was added: the first slice of it now. */
  flush(): void {
    if (!this.#isScheduled) this.#slice();
  }

  #slice(): void {
    this.#isScheduled = false;
    const endMs = performance.now() + SLICE_MS;
    for (;;) {
      const { stop, hint } = this.#waiting;
      const turns = stop.length > 0 ? stop : hint;
      const steps = turns.shift();
      if (steps === undefined) return;
      if (!takeTurn(steps)) turns.push(steps);
      if (performance.now() < endMs) continue;
      this.#isScheduled = true;
      setImmediate(() => this.#slice());
      return;
    }
  }
}

/** Whether that was all. */
function takeTurn(steps: Steps): boolean {
  for (let taken = 0; taken < STEPS_IN_TURN; taken += 1) {
    if (steps.next().done === true) return true;
  }
  return false;
}

function* sending(to: Receiver, frame: Buffer): Generator<undefined, void> {
  to.push(frame);
  yield;
}
