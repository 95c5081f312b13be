import { Client, DatabaseError } from "pg";
import type { ClientConfig, QueryResultRow } from "pg";
import { StoreUnavailableError } from "../errors.ts";

/** A statement that the server parses once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** The server's error code behind an error, such as `23505`. */
export function sqlState(error: unknown): string | undefined {
  for (let next = error; next instanceof Error; next = next.cause) {
    if (next instanceof DatabaseError) return next.code;
  }
  return undefined;
}

/** What a failing server means to who called the store. */
export function unavailable(error: unknown): StoreUnavailableError {
  if (error instanceof StoreUnavailableError) return error;
  const reason = error instanceof Error ? error.message || Reflect.get(error, "code") : undefined;
  return new StoreUnavailableError(String(reason ?? "it failed"), { cause: error });
}

/**
 * One connection. Statements are sent at once, one behind the other, each a
 * transaction of its own. A statement that is not answered in time ends the
 * connection: what became of it is then unknown.
 */
export class Connection {
  /** The server's, where it tells it and the connection was prepared for a store. */
  timeline: string | undefined;
  readonly #client: Client;
  #lost: Error | undefined;

  private constructor(client: Client) {
    this.#client = client;
    const lose = (error?: Error): void => {
      this.#lost ??= error ?? new Error("the connection has ended");
    };
    client.on("error", lose);
    client.on("end", () => lose());
  }

  /** @throws StoreUnavailableError */
  static async open(config: ClientConfig): Promise<Connection> {
    const client = new Client(config);
    const connection = new Connection(client);
    try {
      await client.connect();
      return connection;
    } catch (error) {
      connection.cut();
      throw unavailable(error);
    }
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** @throws StoreUnavailableError */
  async query<Row extends QueryResultRow>(
    statement: Statement,
    values: readonly unknown[],
    timeoutMs: number,
  ): Promise<Row[]> {
    const timer = setTimeout(() => this.cut(), timeoutMs);
    try {
      const { rows } = await this.#client.query<Row>({ ...statement, values: [...values] });
      return rows;
    } catch (error) {
      throw unavailable(this.#lost ?? error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Runs statements that take no values, such as those of a migration.
   *
   * @throws StoreUnavailableError
   */
  async run(text: string, timeoutMs = 10_000): Promise<void> {
    const timer = setTimeout(() => this.cut(), timeoutMs);
    try {
      await this.#client.query(text);
    } catch (error) {
      throw unavailable(this.#lost ?? error);
    } finally {
      clearTimeout(timer);
    }
  }

  onNotification(listener: (channel: string, payload: string) => void): void {
    this.#client.on("notification", ({ channel, payload = "" }) => listener(channel, payload));
  }

  /** Ends the connection at once; what is under way fails. */
  cut(): void {
    this.#lost ??= new Error("the server did not answer in time");
    this.#client.connection.stream.destroy();
  }

  /** Ends the connection after what is under way. */
  async end(): Promise<void> {
    this.#lost ??= new Error("the connection was closed");
    await this.#client.end();
  }
}
