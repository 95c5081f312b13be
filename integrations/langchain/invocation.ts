import type { Boundary, Guard, Run } from "../../src/index.ts";
import { protectUntilStopped, protectWhile } from "../shared/protect-while.ts";
import type { Begun } from "../shared/protect-while.ts";
import { iteration } from "../shared/stoppable-source.ts";
import type { StoppableSource } from "../shared/stoppable-source.ts";
import { GuardCallbackHandler } from "./callback-handler.ts";
import { findRun, scopeAround } from "./find-run.ts";
import { addHandler, carryRun } from "./run-config.ts";
import { RunScope } from "./run-scope.ts";
import type { ConfigLike } from "./run-scope.ts";

/**
 * One guarded call of a runnable: the run it belongs to, the config that takes
 * the run inside, and the rule that a stopped run yields no result.
 */
export class Invocation {
  readonly run: Run;
  readonly #boundary: Boundary;
  readonly #scope: RunScope;
  readonly #ownsScope: boolean;
  readonly #handler: GuardCallbackHandler;
  readonly #signal: AbortSignal | undefined;

  /** @param given the run that the call belongs to, instead of the one it finds */
  constructor(guard: Guard, boundary: Boundary, config: ConfigLike | undefined, given?: Run) {
    const around = scopeAround(config);
    const own = given === undefined ? around?.of(guard) : undefined;
    const isInside = own !== undefined && !own.isOver;
    this.#boundary = boundary;
    this.#signal = config?.signal;
    this.#ownsScope = !isInside;
    this.#scope = isInside ? own : beginScope(guard, config, around, given);
    this.run = this.#scope.run;
    this.#handler = new GuardCallbackHandler(guard, this.run);
  }

  /** The caller's config with the run, its signal and a handler in it. */
  config(given: ConfigLike | undefined, signal: AbortSignal): ConfigLike {
    const theirs = given?.signal;
    const isKnown = theirs === undefined || theirs === this.#signal;
    return {
      ...carryRun(given, this.#scope, isKnown ? signal : AbortSignal.any([signal, theirs])),
      callbacks: addHandler(given?.callbacks, this.#handler),
    };
  }

  /** Asks, then works. Rejects at once when the run is stopped, whatever goes on inside. */
  begin<T>(work: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
    const { run } = this;
    return protectUntilStopped(run, this.#boundary, work, { signal: this.#signal });
  }

  /**
   * Asks, then begins an iteration; resolves when its first part is there. The
   * body of a generator begins when that is asked for.
   *
   * @param isAll nothing of the work goes on once the iteration is closed
   */
  async beginParts(
    work: (signal: AbortSignal) => unknown,
    isAll: boolean,
  ): Promise<StoppableSource<unknown>> {
    const { run } = this;
    const body = async (signal: AbortSignal): Promise<Begun<StoppableSource<unknown>>> => {
      const made = work(signal);
      return iteration(run, (isIteration(made) ? made : await made) as AsyncIterable<unknown>);
    };
    const parts = await protectWhile(run, this.#boundary, body, { signal: this.#signal });
    if (isAll) void parts.over.then(() => this.#handler.release());
    await parts.begun;
    return parts;
  }

  end(): void {
    if (this.run.stopped === undefined) this.#handler.release();
    if (this.#ownsScope) this.#scope.end();
  }
}

const isIteration = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** Joins the run of the work around, if there is one, but not that of an invocation that is over. */
function beginScope(
  guard: Guard,
  config: ConfigLike | undefined,
  around: RunScope | undefined,
  given: Run | undefined,
): RunScope {
  if (given !== undefined) return new RunScope(guard, given, around);
  const joined = around?.of(guard) === undefined ? findRun(guard, config) : undefined;
  return new RunScope(guard, joined ?? guard.run({ signal: config?.signal }), around);
}
