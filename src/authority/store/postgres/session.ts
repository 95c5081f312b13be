import type { ClientConfig } from "pg";
import { StoreUnavailableError } from "../errors.ts";
import { Connection, unavailable } from "./connection.ts";

/** A connection and what is known of it; both are gone together. */
export interface Opened<State> {
  readonly connection: Connection;
  readonly state: State;
}

export interface SessionOptions<State> {
  readonly config: ClientConfig;
  /** Makes a new connection fit for use, or throws: it is then closed again. */
  readonly prepare: (connection: Connection) => Promise<State>;
}

/** After a connection could not be made, further asking is refused at once for so long. */
const RETRY_AFTER_MS = 100;
const CLOSE_WITHIN_MS = 1_000;

/** One connection at a time, made again when it was lost. */
export class Session<State> {
  readonly #options: SessionOptions<State>;
  #opened: Opened<State> | undefined;
  #opening: Promise<Opened<State>> | undefined;
  #failure: { readonly error: StoreUnavailableError; readonly at: number } | undefined;
  #closed = false;

  constructor(options: SessionOptions<State>) {
    this.#options = options;
  }

  /** @throws StoreUnavailableError, and what preparing throws */
  open(): Promise<Opened<State>> {
    if (this.#closed) return Promise.reject(new StoreUnavailableError("it is closed"));
    if (this.#opened !== undefined && !this.#opened.connection.isLost) {
      return Promise.resolve(this.#opened);
    }
    const failure = this.#failure;
    if (failure !== undefined && performance.now() - failure.at < RETRY_AFTER_MS) {
      return Promise.reject(failure.error);
    }
    return (this.#opening ??= this.#open());
  }

  /** Opens a connection, and uses it. What loses the connection rejects. */
  async use<Result>(work: (opened: Opened<State>) => Promise<Result>): Promise<Result> {
    return work(await this.open());
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined);
    const opened = this.#opened;
    if (opened === undefined || opened.connection.isLost) return;
    const { connection } = opened;
    const timer = setTimeout(() => connection.cut(), CLOSE_WITHIN_MS);
    await connection.end();
    clearTimeout(timer);
  }

  async #open(): Promise<Opened<State>> {
    try {
      const connection = await Connection.open(this.#options.config);
      try {
        const opened = { connection, state: await this.#options.prepare(connection) };
        this.#failure = undefined;
        this.#opened = opened;
        return opened;
      } catch (error) {
        connection.cut();
        throw error;
      }
    } catch (error) {
      this.#failure = { error: unavailable(error), at: performance.now() };
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }
}
