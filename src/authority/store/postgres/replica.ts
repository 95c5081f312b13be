import type { Caller, Refused } from "../caller.ts";
import type { ChangesRead } from "../changes.ts";
import type { Validated } from "../device-store.ts";
import { StoreUnavailableError } from "../errors.ts";
import type { DecisionFacts, Ledger } from "../ledger.ts";
import type { DeviceRecord } from "../records.ts";
import { Announcements } from "./announcements.ts";
import { BatchStatistics } from "./batch-statistics.ts";
import { Changer } from "./changer.ts";
import { clientConfig } from "./client-config.ts";
import { Connection, unavailable } from "./connection.ts";
import { readFacts } from "./facts.ts";
import type { Needs } from "./facts.ts";
import { GroupLedger } from "./group-ledger.ts";
import { LastSeen } from "./last-seen.ts";
import { readChanges } from "./log-reader.ts";
import { Membership } from "./membership.ts";
import type { PostgresSettings } from "./options.ts";
import { prepareStore } from "./prepare.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { Validator } from "./validator.ts";
import { Writer } from "./writer.ts";

/** How long a device's `lastSeenAt` may be behind in the database. */
const SEEN_DELAY_MS = 5_000;

/** Reading all of a large store takes its time. */
const AT_LENGTH_MS = 10 * 60_000;

/** The ways in which a replica uses its database, each on a connection of its own. */
export class Replica {
  readonly statistics = new BatchStatistics();
  readonly membership: Membership;
  readonly #timeoutMs: number;
  readonly #writer: Writer;
  readonly #changer: Changer;
  readonly #validator: Validator;
  readonly #announcements: Announcements;
  readonly #reading: SessionOptions<void>;
  /** Lists of orgs and devices. */
  readonly #lists: Session<void>;
  /** Audit and change log, whose readers may ask for much. */
  readonly #logs: Session<void>;
  /** The end of the change log, and who has learned of it: stops wait for nobody who reads much. */
  readonly #tail: Session<void>;
  readonly #lastSeen = new LastSeen();
  readonly #auditListeners = new Set<() => void>();
  readonly #seenTimer: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  constructor(settings: PostgresSettings) {
    this.#timeoutMs = settings.changeTimeoutMs;
    this.#announcements = new Announcements(settings);
    const saw = (version: number): void => this.#announcements.saw(version);
    const { statistics } = this;
    this.#writer = new Writer(settings, () => {
      for (const listener of this.#auditListeners) listener();
    });
    this.#changer = new Changer(settings, this.#writer, { statistics, saw });
    this.#validator = new Validator(settings, statistics, {
      append: (entries) => this.#writer.append(entries),
      seen: (orgId, deviceId, at) => this.#lastSeen.note(orgId, deviceId, at),
      saw,
      member: () => this.membership.id,
      expelled: (id) => this.membership.expelled(id),
    });
    this.membership = new Membership({
      timeoutMs: settings.decisionTimeoutMs,
      use: (work) => this.#unlessClosed(() => this.#tail.use(({ connection }) => work(connection))),
      announcements: this.#announcements,
    });
    this.#reading = {
      config: clientConfig(settings),
      prepare: (connection: Connection) => prepareStore(connection, settings),
    };
    this.#lists = new Session(this.#reading);
    this.#logs = new Session(this.#reading);
    this.#tail = new Session(this.#reading);
    this.#seenTimer = setInterval(() => void this.#writeSeen(), SEEN_DELAY_MS);
    this.#seenTimer.unref();
  }

  /** @throws StoreUnavailableError */
  validate(caller: Caller, deviceId: string, auditAllow: boolean): Promise<Validated | Refused> {
    return this.#unlessClosed(() => this.#validator.validate(caller, deviceId, auditAllow));
  }

  /** Decides from one read that begins after the call. @throws StoreUnavailableError */
  decide<Outcome>(
    caller: Pick<Caller, "keyHash">,
    deviceIds: readonly string[],
    step: (facts: DecisionFacts) => Outcome,
  ): Promise<Outcome> {
    return this.#unlessClosed(() => this.#validator.decide(caller, deviceIds, step));
  }

  /**
   * Runs an operation that changes something.
   *
   * @param caller whose key it is called with, if it is
   * @param needs what else it works on
   * @param timeoutMs after which it is refused, if that is sooner than for others
   * @throws StoreUnavailableError when it was not carried out, or nobody knows
   */
  change<Result>(
    { keyHash }: Pick<Needs, "keyHash">,
    step: (ledger: Ledger) => Result,
    needs: Needs = {},
    timeoutMs?: number,
  ): Promise<Result> {
    const all = { ...needs, ...(keyHash === undefined ? {} : { keyHash }) };
    return this.#unlessClosed(() => this.#changer.run(all, step, timeoutMs));
  }

  /** Runs an operation that changes nothing; what it refused is audited. @throws StoreUnavailableError */
  look<Result>(
    { keyHash }: Pick<Needs, "keyHash">,
    step: (ledger: Ledger) => Result,
    more: Needs = {},
  ): Promise<Result> {
    const needs = [{ ...more, ...(keyHash === undefined ? {} : { keyHash }) }];
    return this.#unlessClosed(async () => {
      const facts = await this.#lists.use(({ connection }) =>
        readFacts(connection, needs, this.#timeoutMs),
      );
      const ledger = new GroupLedger(facts, needs);
      const result = step(ledger);
      await this.#writer.append(ledger.entries);
      return result;
    });
  }

  /** Works on the audit or the change log. @throws StoreUnavailableError */
  logs<Result>(
    work: (connection: Connection, timeoutMs: number) => Promise<Result>,
  ): Promise<Result> {
    return this.#unlessClosed(() =>
      this.#logs.use(({ connection }) => work(connection, this.#timeoutMs)),
    );
  }

  /**
   * Works on the audit for as long as that takes, on a connection that nobody else waits for.
   *
   * @throws StoreUnavailableError
   */
  atLength<Result>(
    work: (connection: Connection, timeoutMs: number) => Promise<Result>,
  ): Promise<Result> {
    return this.#unlessClosed(async () => {
      const { config, prepare } = this.#reading;
      const timeouts = { statement_timeout: AT_LENGTH_MS, lock_timeout: AT_LENGTH_MS };
      const connection = await Connection.open({ ...config, ...timeouts });
      try {
        await prepare(connection);
        return await work(connection, AT_LENGTH_MS);
      } finally {
        if (!connection.isLost) await connection.end();
      }
    });
  }

  /** Reads the change log. @throws StoreUnavailableError */
  changes(afterVersion: number, limit: number): Promise<ChangesRead> {
    return this.#unlessClosed(() =>
      this.#tail.use(({ connection }) =>
        readChanges(connection, afterVersion, limit, this.#timeoutMs),
      ),
    );
  }

  /** A device as it is when what is not written yet of it is counted in. */
  complete(orgId: string, device: DeviceRecord): DeviceRecord {
    return this.#lastSeen.complete(orgId, device);
  }

  /** Reads as a decision does, and commits as its audit does. */
  async ready(): Promise<void> {
    await this.#unlessClosed(() => Promise.all([this.#validator.ready(), this.#writer.touch()]));
  }

  onChange(listener: (version: number) => void): () => void {
    return this.#announcements.add(listener);
  }

  onAudit(listener: () => void): () => void {
    const own = (): void => listener();
    this.#auditListeners.add(own);
    return () => void this.#auditListeners.delete(own);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    clearInterval(this.#seenTimer);
    await Promise.all([this.#validator.close(), this.#changer.close()]);
    await this.#writeSeen();
    await Promise.all([
      this.#announcements.close(),
      this.#lists.close(),
      this.#logs.close(),
      this.#tail.close(),
    ]);
    // Last, since what was refused to a reader is audited.
    await this.#writer.close();
  }

  async #unlessClosed<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw new StoreUnavailableError("it is closed");
    try {
      return await work();
    } catch (error) {
      throw unavailable(error);
    }
  }

  async #writeSeen(): Promise<void> {
    try {
      const { connection } = await this.#lists.open();
      await this.#lastSeen.write(connection, this.#timeoutMs);
    } catch {
      // It is advisory, and tried again.
    }
  }
}
