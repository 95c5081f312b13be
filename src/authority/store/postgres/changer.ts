import type { StoreUnavailableError } from "../errors.ts";
import type { Ledger } from "../ledger.ts";
import type { BatchStatistics, OpenBatch } from "./batch-statistics.ts";
import { sqlState, unavailable } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { clientConfig } from "./client-config.ts";
import type { PostgresSettings } from "./options.ts";
import { Deadline } from "./deadline.ts";
import { readFacts } from "./facts.ts";
import type { Needs } from "./facts.ts";
import { GroupLedger } from "./group-ledger.ts";
import { LOCK_CLASS, LOCKS, prepareStore } from "./prepare.ts";
import { Session } from "./session.ts";
import type { Writer } from "./writer.ts";

/** Most operations that are committed together. */
const CALLS_AT_ONCE = 200;

/** So long a replica waits for its turn; then it goes ahead without one. */
const TURN_MS = 250;

/** So long a replica may have its turn and do nothing; then the server takes it away. */
const TURN_AT_MOST_MS = 3_000;

const TURN = {
  name: "machineid_turn",
  text: `SELECT pg_advisory_xact_lock(${LOCK_CLASS}, ${LOCKS.turn})`,
};

interface Call {
  readonly needs: Needs;
  readonly step: (ledger: Ledger) => unknown;
  readonly own: Deadline;
  readonly resolve: (result: never) => void;
  readonly reject: (error: StoreUnavailableError) => void;
  result: unknown;
}

interface Group {
  readonly calls: Call[];
  readonly deadline: Deadline;
  readonly open: OpenBatch;
}

/** What a changer tells, and whom. */
export interface ChangerHooks {
  readonly statistics: BatchStatistics;
  /** A version was seen committed. */
  readonly saw: (version: number) => void;
}

/**
 * Carries out what changes the store: reads what the operations of a group need,
 * runs them, and commits what they changed, unless another replica was faster;
 * then it begins anew with what is there now.
 *
 * Replicas take turns, so that none is always slower than another. A turn is a
 * courtesy that speeds things up and decides nothing: it locks no row, and who
 * does not get one in time goes ahead. So nobody waits long for a replica that
 * was cut off or frozen while it had its turn.
 */
export class Changer {
  readonly #session: Session<void>;
  readonly #timeoutMs: number;
  readonly #writer: Writer;
  readonly #hooks: ChangerHooks;
  #waiting: Group | undefined;
  #working: Promise<void> | undefined;

  constructor(settings: PostgresSettings, writer: Writer, hooks: ChangerHooks) {
    this.#timeoutMs = settings.changeTimeoutMs;
    this.#writer = writer;
    this.#hooks = hooks;
    this.#session = new Session({
      config: {
        ...clientConfig(settings),
        lock_timeout: TURN_MS,
        idle_in_transaction_session_timeout: TURN_AT_MOST_MS,
      },
      prepare: (connection) => prepareStore(connection, settings),
    });
  }

  /**
   * @param timeoutMs after which it is refused, if that is sooner than for others
   * @throws StoreUnavailableError when it was not carried out, or nobody knows
   */
  async run<Result>(
    needs: Needs,
    step: (ledger: Ledger) => Result,
    timeoutMs = this.#timeoutMs,
  ): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const own = new Deadline(timeoutMs, [{ reject }]);
    this.#add({ needs, step, own, resolve, reject, result: undefined });
    try {
      return await promise;
    } finally {
      own.clear();
    }
  }

  #add(call: Call): void {
    if (this.#waiting?.deadline.isOver === false) {
      this.#waiting.calls.push(call);
      return;
    }
    const calls = [call];
    const open = this.#hooks.statistics.begin();
    this.#waiting = { calls, deadline: new Deadline(this.#timeoutMs, calls), open };
    setImmediate(() => this.#begin());
  }

  /** Finishes what was asked, and lets go of the connection. */
  async close(): Promise<void> {
    while (this.#waiting !== undefined || this.#working !== undefined) {
      this.#begin();
      await this.#working;
    }
    await this.#session.close();
  }

  #begin(): void {
    const group = this.#waiting;
    if (group === undefined || this.#working !== undefined) return;
    const rest = group.calls.splice(CALLS_AT_ONCE);
    this.#waiting = rest.length === 0 ? undefined : this.#groupOf(rest, group);
    // What was refused while it waited is not begun any more.
    const calls = group.calls.filter(({ own }) => !own.isOver);
    this.#working = this.#work({ ...group, calls }).finally(() => {
      this.#working = undefined;
      this.#begin();
    });
  }

  /** What is left of a group that was too large for one. */
  #groupOf(calls: Call[], { deadline, open: { since } }: Group): Group {
    const open = this.#hooks.statistics.begin(since);
    return { calls, deadline: new Deadline(deadline.left, calls), open };
  }

  async #work({ calls, deadline, open }: Group): Promise<void> {
    const { statistics } = this.#hooks;
    try {
      await this.#carryOut(calls, deadline);
      if (deadline.isOver) statistics.failed(open);
      else statistics.committed(open, calls.length);
    } catch (error) {
      statistics.failed(open);
      if (calls.length > 1 && isFaultOfOne(error)) await this.#workOneByOne(calls, deadline);
      else for (const { reject } of calls) reject(unavailable(error));
    } finally {
      deadline.clear();
    }
  }

  /** Something that cannot be stored must not keep what came along with it from being stored. */
  async #workOneByOne(calls: readonly Call[], deadline: Deadline): Promise<void> {
    for (const call of calls) {
      await this.#carryOut([call], deadline).catch((error: unknown) =>
        call.reject(unavailable(error)),
      );
    }
  }

  async #carryOut(calls: readonly Call[], deadline: Deadline): Promise<void> {
    while (!deadline.isOver) {
      if (await this.#attempt(calls, deadline)) {
        for (const { resolve, result } of calls) resolve(result as never);
        return;
      }
    }
  }

  /** @returns false when another change was committed meanwhile */
  async #attempt(calls: readonly Call[], deadline: Deadline): Promise<boolean> {
    if (calls.length === 0) return true;
    const needs = calls.map((call) => call.needs);
    const { connection } = await this.#session.open();
    const turn = takeTurn(connection, deadline.left);
    try {
      // Both are sent at once; the server reads when it is this replica's turn.
      const read = readFacts(connection, needs, deadline.left);
      const facts = await read.catch(async (error: unknown) => {
        if (await turn) throw error;
        return readFacts(connection, needs, deadline.left);
      });
      const ledger = new GroupLedger(facts, needs);
      for (const call of calls) call.result = call.step(ledger);
      if (deadline.isOver) return true;
      const change = ledger.changeSet();
      if (change === undefined) await this.#writer.append(ledger.entries);
      else if (!(await this.#writer.apply(change))) return false;
      this.#hooks.saw(ledger.version);
      return true;
    } finally {
      if (await turn) await endTurn(connection);
    }
  }
}

const LOCK_NOT_AVAILABLE = "55P03";

/** @returns whether it is this replica's turn; if not, the connection is as it was before */
async function takeTurn(connection: Connection, timeoutMs: number): Promise<boolean> {
  try {
    await Promise.all([connection.run("BEGIN"), connection.query(TURN, [], timeoutMs)]);
    return true;
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) await endTurn(connection);
    else connection.cut();
    return false;
  }
}

/** A turn ends with its connection, too. */
async function endTurn(connection: Connection): Promise<void> {
  await connection.run("ROLLBACK").catch(() => connection.cut());
}

/** Whether the server refused a value, rather than being unable to work. */
const isFaultOfOne = (error: unknown): boolean => /^2[23]/.test(sqlState(error) ?? "");
