import type { ServerResponse } from "node:http";

/** Bounds of one stream, in milliseconds. */
export interface StreamTimes {
  /** A silent stream says that often that it lives, and every stream looks whether its key still counts. */
  readonly heartbeatMs: number;
  /** A reader that takes nothing for this long is cut off. */
  readonly stallMs: number;
}

/** What a stream tells, and to whom. */
export interface StreamSource {
  /** What to write first. */
  readonly opening: string;
  /** Writes what is new. Answers whether there is more already. */
  tell(write: (text: string) => Promise<void>): Promise<boolean>;
  /** Whether the reader may still read. */
  isAllowed(): Promise<boolean>;
  /** What to write when nothing happened. */
  heartbeat(): string;
}

/** Why a stream ended. */
export type StreamEnd = "closed" | "cut_off" | "not_allowed";

/**
 * One reader of events. It is written to only as fast as it reads: what is new
 * waits in the store, not here.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #times: StreamTimes;
  #end: StreamEnd | undefined;
  #hasNews = false;
  #wake: (() => void) | undefined;

  constructor(response: ServerResponse, times: StreamTimes) {
    this.#response = response;
    this.#times = times;
    response.on("close", () => this.end("closed"));
    response.on("error", () => this.end("closed"));
  }

  /** There may be something new. */
  news(): void {
    this.#hasNews = true;
    this.#wake?.();
  }

  /** Ends the stream; its reader may open another. */
  end(why: StreamEnd): void {
    this.#end ??= why;
    this.#wake?.();
  }

  /** Tells what there is to tell, until the stream ends. */
  async run(source: StreamSource): Promise<StreamEnd> {
    const write = (text: string): Promise<void> => this.#write(text);
    try {
      await this.#write(source.opening);
      let checkedAt = performance.now();
      while (this.#end === undefined) {
        this.#hasNews = false;
        // However much there is to tell, a key that was revoked hears no more of it.
        if (performance.now() - checkedAt >= this.#times.heartbeatMs) {
          if (!(await source.isAllowed())) this.end("not_allowed");
          checkedAt = performance.now();
        }
        if (this.#end !== undefined || (await source.tell(write))) continue;
        if (await this.#newsWithin(this.#times.heartbeatMs)) continue;
        if (this.#end === undefined) await this.#write(source.heartbeat());
      }
      return this.#end;
    } finally {
      if (this.#end === "cut_off") this.#response.destroy();
      else this.#response.end();
    }
  }

  async #newsWithin(milliseconds: number): Promise<boolean> {
    if (!this.#hasNews && this.#end === undefined) await this.#sleep(milliseconds);
    return this.#hasNews;
  }

  /** Waits, but no longer than until something happens. Answers whether the time has passed. */
  #sleep(milliseconds: number, untilDrained = false): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (hasPassed: boolean): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#response.off("drain", onDrain);
        resolve(hasPassed);
      };
      const onDrain = (): void => wake(false);
      const timer = setTimeout(wake, milliseconds, true);
      if (untilDrained) this.#response.once("drain", onDrain);
      this.#wake = () => {
        if (!untilDrained || this.#end !== undefined) wake(false);
      };
    });
  }

  async #write(text: string): Promise<void> {
    if (this.#end !== undefined || text === "" || this.#response.write(text)) return;
    if (await this.#sleep(this.#times.stallMs, true)) this.end("cut_off");
  }
}
