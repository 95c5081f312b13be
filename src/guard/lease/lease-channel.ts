import type { Channel, ChannelHandlers } from "../../client/index.ts";
import type { LeaseConnection, LeaseSession, Schedule } from "./lease-session.ts";

export interface LeaseChannelOptions {
  readonly open: (handlers: ChannelHandlers) => Channel;
  readonly schedule: Schedule;
}

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 5000;

/** Keeps a session connected for as long as it is wanted: one connection, however many devices. */
export class LeaseChannel {
  readonly #options: LeaseChannelOptions;
  #channel: Channel | undefined;
  #failures = 0;
  #unschedule: (() => void) | undefined;

  constructor(options: LeaseChannelOptions) {
    this.#options = options;
  }

  connect(session: LeaseSession): void {
    if (this.#channel !== undefined) return;
    this.#unschedule?.();
    let connection: LeaseConnection | undefined;
    const channel = this.#options.open({
      opened: (send) => {
        this.#failures = 0;
        connection = session.open((message) => send(JSON.stringify(message)));
      },
      received: (text) => connection?.receive(text),
      closed: () => {
        if (this.#channel !== channel) return;
        this.#channel = undefined;
        if (connection === undefined) session.lose();
        else connection.lose();
        this.#reconnect(session);
      },
    });
    this.#channel = channel;
  }

  /** Nobody needs it any more. */
  disconnect(): void {
    this.#unschedule?.();
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
  }

  /** Doubles with each failure; half of it is random, so that many agents do not return at once. */
  #reconnect(session: LeaseSession): void {
    const longestMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, LONGEST_BACKOFF_MS);
    this.#failures += 1;
    const delayMs = longestMs * (0.5 + Math.random() / 2);
    this.#unschedule = this.#options.schedule(() => this.connect(session), delayMs);
  }
}
