import { ChangeListeners } from "../changes.ts";
import { CHANNEL } from "./apply.ts";
import { clientConfig } from "./client-config.ts";
import type { PostgresSettings } from "./options.ts";
import { prepareStore } from "./prepare.ts";
import { Session } from "./session.ts";

/** The version is looked up so often, in case a notification was lost. */
const LOOK_EVERY_MS = 1_000;

const VERSION = { name: "machineid_version", text: "SELECT version FROM machineid.state" };

/**
 * Tells of changes, this replica's and the others'. Others announce theirs; since
 * an announcement can be lost with a connection, the version is looked up now and
 * then as well. It connects when somebody first listens.
 */
export class Announcements {
  readonly #listeners = new ChangeListeners();
  readonly #session: Session<void>;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: PostgresSettings) {
    this.#timeoutMs = settings.decisionTimeoutMs;
    this.#session = new Session({
      config: clientConfig(settings),
      prepare: async (connection) => {
        await prepareStore(connection, settings);
        connection.onNotification((payload) => this.saw(Number(payload)));
        await connection.run(`LISTEN ${CHANNEL}`);
      },
    });
  }

  /** Notes a version that was seen committed. */
  saw(version: number): void {
    this.#listeners.saw(version);
  }

  /** @returns what ends it */
  add(listener: (version: number) => void): () => void {
    const end = this.#listeners.add(listener);
    if (this.#timer === undefined && !this.#closed) void this.#look();
    return end;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#session.close();
  }

  async #look(): Promise<void> {
    this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
    try {
      const { connection } = await this.#session.open();
      const [row] = await connection.query<{ version: number }>(VERSION, [], this.#timeoutMs);
      if (row !== undefined) this.saw(row.version);
    } catch {
      // It is looked again soon; who decides learns by itself that the server is away.
    }
  }
}
