import { EventEmitter, once } from "node:events";

/** The bodies of a server's tools, resources and prompts, watched from outside. */
export class Bodies {
  readonly entered: string[] = [];
  readonly cancelled: string[] = [];
  /** What happens in a body before it waits; undefined lets it end at once. */
  meanwhile: (() => Promise<void>) | undefined;
  readonly #events = new EventEmitter();

  /** Called by a body: notes it, and waits until it is cancelled where the test says so. */
  async enter(name: string, signal: AbortSignal): Promise<void> {
    this.entered.push(name);
    this.#events.emit("change");
    if (this.meanwhile === undefined) return;
    await this.meanwhile();
    if (!signal.aborted) await once(signal, "abort");
    this.cancelled.push(name);
    this.#events.emit("change");
  }

  async until(isIt: (bodies: Bodies) => boolean): Promise<void> {
    while (!isIt(this)) await once(this.#events, "change");
  }
}
