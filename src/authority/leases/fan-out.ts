/** Whoever a frame can be sent to. */
export interface Receiver {
  send(frame: string | Buffer): void;
}

/** How long frames are sent before others have their turn, in milliseconds. */
const SLICE_MS = 5;
const SENDS_BETWEEN_LOOKS = 64;

/** Sends frames to many, in order, and lets everything else go on in between. */
export class FanOut {
  #queue: { readonly to: Receiver; readonly frame: string | Buffer }[] = [];
  #next = 0;
  #isScheduled = false;

  push(to: Receiver, frame: string | Buffer): void {
    this.#queue.push({ to, frame });
  }

  /** Sends what was pushed: the first slice of it now. */
  flush(): void {
    if (!this.#isScheduled) this.#slice();
  }

  #slice(): void {
    const startMs = performance.now();
    this.#isScheduled = false;
    let sent = 0;
    for (;;) {
      const item = this.#queue[this.#next];
      if (item === undefined) {
        this.#queue = [];
        this.#next = 0;
        break;
      }
      this.#next += 1;
      item.to.send(item.frame);
      sent += 1;
      if (sent % SENDS_BETWEEN_LOOKS === 0 && performance.now() - startMs >= SLICE_MS - 1) {
        this.#isScheduled = true;
        setImmediate(() => this.#slice());
        break;
      }
    }
  }
}
