import { StoreUnavailableError } from "../errors.ts";

/** A call that waits for the store. */
export interface Waiting {
  readonly reject: (error: StoreUnavailableError) => void;
}

/** Calls that came together, and that are refused together when their time is up. */
export class Deadline {
  readonly at: number;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(milliseconds: number, waiting: readonly Waiting[]) {
    this.at = performance.now() + milliseconds;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      const error = new StoreUnavailableError(`it did not answer within ${milliseconds} ms`);
      for (const { reject } of waiting) reject(error);
    }, milliseconds);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Milliseconds that are left. */
  get left(): number {
    return Math.max(0, this.at - performance.now());
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
