/** Lets only so many work at once; the others wait, in the order they came. */
export class Turns {
  /** A set is a queue whose first is found as quickly however many there are. */
  readonly #waiting = new Set<() => void>();
  #free: number;

  /** @param most how many work at once */
  constructor(most: number) {
    this.#free = most;
  }

  /** Does something when there is room for it. */
  async take(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.add(resolve));
    try {
      await work();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#free += 1;
      else {
        this.#waiting.delete(next);
        next();
      }
    }
  }
}
