/** Turns of the event loop that are waited at most, and only while each brings more. */
const MOST_TURNS = 4;
/** Turns that are long, with other work in them, are not waited for. */
const MOST_MS = 1;

/**
 * Waits for those who ask at about the same time, so that a store is asked once
 * for them all: for the next turn of the event loop and, while turns bring more,
 * for a few. What it costs a store to be asked is mostly the same for one and for
 * many.
 */
export class Gathering {
  readonly #size: () => number;
  readonly #finish: () => void;
  readonly #turn = (): void => {
    this.#turns += 1;
    const size = this.#size();
    const hasGrown = size > this.#gathered;
    this.#gathered = size;
    const isSoon = this.#turns < MOST_TURNS && performance.now() - this.#since < MOST_MS;
    if (hasGrown && isSoon) {
      setImmediate(this.#turn);
      return;
    }
    this.#isUnderWay = false;
    this.#finish();
  };
  #isUnderWay = false;
  #turns = 0;
  #since = 0;
  #gathered = 0;

  /**
   * @param size how many wait now
   * @param finish takes those who wait; there may be none any more
   */
  constructor(size: () => number, finish: () => void) {
    this.#size = size;
    this.#finish = finish;
  }

  /** Somebody waits. */
  begin(): void {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    this.#turns = 0;
    this.#since = performance.now();
    this.#gathered = 0;
    setImmediate(this.#turn);
  }
}
