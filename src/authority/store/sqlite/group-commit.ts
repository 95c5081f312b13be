import type { DatabaseSync } from "node:sqlite";
import { Distribution, SECONDS, SIZES } from "../../metrics/distribution.ts";
import { StoreUnavailableError } from "../errors.ts";
import { Gathering } from "../gathering.ts";
import type { StoreStatistics } from "../statistics.ts";

/** What a group of steps needs around it. */
export interface GroupHooks<Context> {
  /** Before the first step, inside the transaction: what all its steps work on. */
  begin(): Context;
  /** After the last step, inside the transaction. */
  finish(context: Context): void;
  /** The transaction has committed, and its steps were answered. */
  committed(context: Context): void;
  /** The transaction did not commit: forget everything that was read or written in it. */
  discard(): void;
}

interface Waiting<Context> {
  readonly step: (context: Context) => unknown;
  readonly resolve: (result: never) => void;
  readonly reject: (error: StoreUnavailableError) => void;
  result: unknown;
}

/**
 * Commits what a few turns of the event loop asked for in one transaction. Steps
 * run one after the other, in the order they came, and no result leaves before
 * the commit. When it fails, all of the group fail.
 */
export class GroupCommit<Context> {
  readonly #database: DatabaseSync;
  readonly #hooks: GroupHooks<Context>;
  readonly #begin;
  readonly #commit;
  readonly #statistics = {
    batchSizes: new Distribution(SIZES),
    commitSeconds: new Distribution(SECONDS),
    failures: 0,
    waitingSince: undefined as number | undefined,
  };
  #waiting: Waiting<Context>[] = [];
  #closed = false;
  readonly #gathering = new Gathering(
    () => this.#waiting.length,
    () => this.#commitGroup(),
  );

  constructor(database: DatabaseSync, hooks: GroupHooks<Context>) {
    this.#database = database;
    this.#hooks = hooks;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
  }

  get statistics(): StoreStatistics {
    return this.#statistics;
  }

  /** Runs a step in the next group. A step must not throw for anything but a failing store. */
  run<Result>(step: (context: Context) => Result): Promise<Result> {
    if (this.#closed) return Promise.reject(new StoreUnavailableError("it is closed"));
    return new Promise((resolve, reject) => {
      const first = this.#waiting.push({ step, resolve, reject, result: undefined }) === 1;
      if (!first) return;
      this.#statistics.waitingSince = performance.now();
      this.#gathering.begin();
    });
  }

  /** Commits what is waiting, and takes no more. */
  close(): void {
    this.#closed = true;
    if (this.#waiting.length > 0) this.#commitGroup();
  }

  #commitGroup(): void {
    const group = this.#waiting;
    if (group.length === 0) return;
    const { waitingSince = 0 } = this.#statistics;
    this.#waiting = [];
    this.#statistics.waitingSince = undefined;
    let context: Context;
    try {
      this.#begin.run();
      context = this.#hooks.begin();
      for (const waiting of group) waiting.result = waiting.step(context);
      this.#hooks.finish(context);
      this.#commit.run();
    } catch (error) {
      this.#abandon(group, error);
      return;
    }
    this.#statistics.batchSizes.observe(group.length);
    this.#statistics.commitSeconds.observe((performance.now() - waitingSince) / 1000);
    for (const waiting of group) waiting.resolve(waiting.result as never);
    this.#hooks.committed(context);
  }

  #abandon(group: readonly Waiting<Context>[], cause: unknown): void {
    this.#statistics.failures += 1;
    this.#hooks.discard();
    try {
      // A full disk may have ended the transaction already.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    } catch {
      // The next BEGIN fails then, and so does its group, until the store recovers.
    }
    const reason = cause instanceof Error ? cause.message : "it failed";
    for (const { reject } of group) reject(new StoreUnavailableError(reason, { cause }));
  }
}
