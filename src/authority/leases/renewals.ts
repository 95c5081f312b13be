/** Whoever asks to be renewed. */
export interface Renewing {
  /** Must not reject. */
  renew(): Promise<void>;
}

/**
 * Renews only so many at once; the others wait, in the order they came, each once.
 * Who waits costs a place in a set: of thousands that ask at once no more is kept.
 */
export class Renewals {
  readonly #waiting = new Set<Renewing>();
  #free: number;

  /** @param most how many are renewed at once */
  constructor(most: number) {
    this.#free = most;
  }

  add(one: Renewing): void {
    this.#waiting.add(one);
    if (this.#free > 0) void this.#work();
  }

  /** Renews one after the other, those that are added meanwhile too. */
  async #work(): Promise<void> {
    this.#free -= 1;
    try {
      for (const one of this.#waiting) {
        this.#waiting.delete(one);
        await one.renew();
      }
    } finally {
      this.#free += 1;
    }
  }
}
