import { NO_ORG } from "../audit-entry.ts";
import { AuditChains } from "./audit-chains.ts";
import type { ComposedEntries } from "./audit-chains.ts";
import { applyStatement, applyValues } from "./apply.ts";
import type { PostgresSettings } from "./options.ts";
import { clientConfig } from "./client-config.ts";
import type { ChangeSet, PendingEntry } from "./group-ledger.ts";
import { prepareStore } from "./prepare.ts";
import { Session } from "./session.ts";
import type { Opened } from "./session.ts";

/** Most entries that are written with one statement. */
const ENTRIES_AT_ONCE = 2_000;

const APPEND = {
  name: "machineid_append",
  text: `
    WITH grown AS (
      UPDATE machineid.audit_chains c SET seq = g.seq, head = g.head
      FROM unnest($4::bigint[], $5::bigint[], $6::text[]) AS g (id, seq, head)
      WHERE c.id = g.id
    )
    INSERT INTO machineid.audit (chain_id, seq, entry)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], string_to_array($3, E'\\x1e'))`,
};

/** What parts the rows. JSON has none of it; an array would have all of its quotes escaped. */
const BETWEEN_ROWS = "\u001E";

/* A write of its own, since a server that can only be read lets nobody work. */
const TOUCH = {
  name: "machineid_touch",
  text: "UPDATE machineid.audit_chains SET seq = seq WHERE id = $1",
};

interface WaitingEntries {
  readonly entries: readonly PendingEntry[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes what one replica commits: one statement after the other, since each
 * audit entry holds the hash of the one before it. What waits meanwhile is
 * written together.
 */
export class Writer {
  readonly #session: Session<AuditChains>;
  readonly #timeoutMs: number;
  readonly #wrote: () => void;
  #waiting: WaitingEntries[] = [];
  #touching: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param wrote is called after entries were committed */
  constructor(settings: PostgresSettings, wrote: () => void) {
    const { connectTimeoutMs } = settings;
    this.#wrote = wrote;
    this.#timeoutMs = settings.decisionTimeoutMs;
    this.#session = new Session({
      config: clientConfig(settings),
      prepare: async (connection) => {
        await prepareStore(connection, settings);
        return AuditChains.claim(connection, connectTimeoutMs);
      },
    });
  }

  /** Adds entries to the audit. Resolves when they are committed. */
  append(entries: readonly PendingEntry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const first = this.#waiting.push({ entries, resolve, reject }) === 1;
      if (first) void this.#next(() => this.#appendWaiting());
    });
  }

  /**
   * Commits a change with its audit entries, unless another was committed since
   * it was decided.
   *
   * @returns whether it was committed
   */
  apply(change: ChangeSet): Promise<boolean> {
    return this.#next(() => this.#session.use((opened) => this.#apply(opened, change)));
  }

  /** Commits something that changes nothing. Who asks meanwhile gets the same answer. */
  touch(): Promise<void> {
    this.#touching ??= this.#next(() => {
      this.#touching = undefined;
      return this.#session.use(async ({ connection, state: chains }) => {
        await chains.load(connection, [], this.#timeoutMs);
        const { id } = chains.end(NO_ORG);
        await connection.query(TOUCH, [id], this.#timeoutMs);
      });
    });
    return this.#touching;
  }

  /** Writes what waits, and lets go of the connection. */
  async close(): Promise<void> {
    await this.#next(() => Promise.resolve());
    await this.#session.close();
  }

  #next<Result>(job: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(job);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #appendWaiting(): Promise<void> {
    const group: WaitingEntries[] = [];
    let size = 0;
    while (this.#waiting.length > 0 && size < ENTRIES_AT_ONCE) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) break;
      group.push(waiting);
      size += waiting.entries.length;
    }
    if (this.#waiting.length > 0) void this.#next(() => this.#appendWaiting());
    try {
      const entries = group.flatMap((waiting) => waiting.entries);
      await this.#session.use((opened) => this.#append(opened, entries));
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  #append(opened: Opened<AuditChains>, entries: readonly PendingEntry[]): Promise<void> {
    return this.#grow(opened, entries, async (composed) => {
      const { rows, ends } = composed;
      await opened.connection.query(
        APPEND,
        [
          rows.map(({ chainId }) => chainId),
          rows.map(({ seq }) => seq),
          rows.map(({ entry }) => entry).join(BETWEEN_ROWS),
          ends.map(({ id }) => id),
          ends.map(({ seq }) => seq),
          ends.map(({ head }) => head),
        ],
        this.#timeoutMs,
      );
      return true;
    }).then(() => undefined);
  }

  #apply(opened: Opened<AuditChains>, change: ChangeSet): Promise<boolean> {
    return this.#grow(opened, change.entries, async (composed) => {
      const [row] = await opened.connection.query<{ taken: boolean }>(
        applyStatement,
        applyValues(change, composed),
        this.#timeoutMs,
      );
      return row?.taken === true;
    });
  }

  async #grow(
    { connection, state: chains }: Opened<AuditChains>,
    entries: readonly PendingEntry[],
    write: (composed: ComposedEntries) => Promise<boolean>,
  ): Promise<boolean> {
    try {
      await chains.load(
        connection,
        entries.map(({ orgId }) => orgId),
        this.#timeoutMs,
      );
      const composed = chains.compose(entries);
      const isWritten = await write(composed);
      if (isWritten) {
        chains.grown(composed);
        if (composed.rows.length > 0) this.#wrote();
      }
      return isWritten;
    } catch (error) {
      chains.forget();
      throw error;
    }
  }
}
