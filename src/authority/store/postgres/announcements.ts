import { ChangeListeners } from "../changes.ts";
import { CHANNEL } from "./apply.ts";
import { QUESTIONS } from "./replica-questions.ts";
import { REPORTS } from "./membership.ts";
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
  readonly #others = new Map<string, Set<(payload: string) => void>>();
  readonly #session: Session<void>;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Asked for and not answered yet. */
  #looks = 0;
  #closed = false;

  constructor(settings: PostgresSettings) {
    this.#timeoutMs = settings.decisionTimeoutMs;
    this.#session = new Session({
      config: clientConfig(settings),
      prepare: async (connection) => {
        await prepareStore(connection, settings);
        // What it says is looked up: anybody who may connect may announce.
        connection.onNotification((channel, payload) => {
          if (channel === CHANNEL) void this.#look();
          else for (const listener of this.#others.get(channel) ?? []) listener(payload);
        });
        const channels = [CHANNEL, REPORTS, QUESTIONS];
        await connection.run(channels.map((channel) => `LISTEN ${channel}`).join(";"));
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

  /** Calls a listener with what is said on another channel, by whomever. @returns what ends it */
  listen(channel: string, listener: (payload: string) => void): () => void {
    const listeners = this.#others.get(channel) ?? new Set();
    this.#others.set(channel, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#session.close();
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
    // What is announced while one look is under way may be too new for it.
    this.#looks += 1;
    if (this.#looks > 1) return;
    try {
      const { connection } = await this.#session.open();
      do {
        this.#looks = 1;
        const [row] = await connection.query<{ version: number }>(VERSION, [], this.#timeoutMs);
        if (row !== undefined) this.saw(row.version);
      } while (this.#looks > 1);
    } catch {
      // It is looked again soon; who decides learns by itself that the server is away.
    } finally {
      this.#looks = 0;
    }
  }
}
