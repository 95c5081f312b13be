import type { Channel, OpenLeaseChannel } from "../../client/index.ts";
import type { LeaseConnection } from "./lease-connection.ts";
import type { LeaseSession, Schedule } from "./lease-session.ts";

export interface LeaseChannelOptions {
  readonly open: OpenLeaseChannel;
  readonly schedule: Schedule;
}

/** One attempt at a connection, and what came of it. */
interface Link {
  channel?: Channel;
  connection?: LeaseConnection;
}

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 5000;

/** Keeps a session connected for as long as it is wanted: one connection, however many devices. */
export class LeaseChannel {
  readonly #options: LeaseChannelOptions;
  #link: Link | undefined;
  #failures = 0;
  #unschedule: (() => void) | undefined;

  constructor(options: LeaseChannelOptions) {
    this.#options = options;
  }

  connect(session: LeaseSession): void {
    if (this.#link !== undefined) return;
    this.#unschedule?.();
    const link: Link = {};
    this.#link = link;
    const closed = (): void => {
      if (this.#link !== link) return;
      this.#link = undefined;
      if (link.connection === undefined) session.lose();
      else link.connection.lose();
      this.#reconnect(session);
    };
    this.#options
      .open({
        opened: (send) => {
          if (this.#link !== link) return;
          link.connection = session.open((message) => send(JSON.stringify(message)));
        },
        received: (text) => {
          // Opening proves nothing: whoever says its key in the hello may be sent away then.
          this.#failures = 0;
          link.connection?.receive(text);
        },
        closed,
      })
      .then((channel) => {
        link.channel = channel;
        if (this.#link !== link) channel.close();
        return undefined;
      }, closed);
  }

  /** It answers nothing: another connection may. */
  cut(): void {
    this.#link?.channel?.close();
  }

  /** Nobody needs it any more. */
  disconnect(): void {
    this.#unschedule?.();
    const link = this.#link;
    this.#link = undefined;
    link?.channel?.close();
    link?.connection?.lose();
  }

  /** Anywhere within a time that doubles with each failure, so that many agents do not return at once. */
  #reconnect(session: LeaseSession): void {
    const longestMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, LONGEST_BACKOFF_MS);
    this.#failures += 1;
    const delayMs = longestMs * Math.random();
    this.#unschedule = this.#options.schedule(() => this.connect(session), delayMs);
  }
}
