import type { Options, Query } from "@anthropic-ai/claude-agent-sdk";
import type { Guard, Run } from "../../src/index.ts";
import { mergeHooks } from "./hooks.ts";
import { protectWhile } from "../shared/protect-while.ts";
import { untilStopped } from "../shared/until-stopped.ts";
import type { GuardHooksOptions } from "./hooks.ts";

export type GuardQueryOptions = GuardHooksOptions;

/**
 * Options for `query()` with the hooks of {@link guardHooks} in them, beside the
 * user's own.
 *
 * Given a {@link Run}, its stop also aborts the query. Guarding options twice
 * asks once.
 */
export function guardOptions(
  guard: Guard | Run,
  options: Options = {},
  settings: GuardQueryOptions = {},
): Options {
  const hooks = mergeHooks(guard, options.hooks, settings);
  return "stopped" in guard ? { ...options, ...abortWith(guard), hooks } : { ...options, hooks };
}

type Parameters = { readonly options?: Options | undefined };

/**
 * `query` of the SDK, gated as a whole. Each call is one run: Claude Code is
 * started only after an allow at the boundary `run`, and every prompt and tool
 * call asks as by {@link guardHooks}. Once refused, the query is aborted, and
 * reading it throws the refusal.
 *
 * With `onDeny: "refuse"` a tool call or prompt that is refused does not end the
 * query.
 *
 * @example
 * for await (const message of guardQuery(guard, query)({ prompt })) { … }
 */
export function guardQuery<P extends Parameters, Q extends Pick<Query, "close"> & AsyncGenerator>(
  guard: Guard,
  query: (parameters: P) => Q,
  settings: GuardQueryOptions = {},
): (parameters: P) => Q {
  return (parameters) => {
    const { options = {} } = parameters;
    const run = guard.run({ signal: options.abortController?.signal });
    const owner = settings.onDeny === "refuse" ? guard : run;
    const hooks = mergeHooks(owner, options.hooks, settings, [guard]);
    const gated: P = { ...parameters, options: { ...options, ...abortWith(run), hooks } };
    return lateQuery(run, () => query(gated));
  };
}

function abortWith(run: Run): { abortController: AbortController } {
  const abortController = new AbortController();
  const abort = (): void => abortController.abort(run.signal.reason);
  if (run.signal.aborted) abort();
  else run.signal.addEventListener("abort", abort, { once: true });
  return { abortController };
}

/** A query that is started when it is allowed. All that a query offers is a promise, but `close`. */
function lateQuery<Q extends Pick<Query, "close"> & AsyncGenerator>(run: Run, begin: () => Q): Q {
  let started: Q | undefined;
  let isClosed = false;
  const over = Promise.withResolvers<void>();
  const beginning = protectWhile(run, { kind: "run" }, () => {
    if (!isClosed) started = begin();
    else over.resolve();
    return { value: started, over: over.promise };
  });
  beginning.catch(() => undefined);
  const call = async (name: PropertyKey, args: unknown[]): Promise<unknown> => {
    const query = await beginning;
    if (query === undefined) return { done: true, value: undefined };
    const method: unknown = Reflect.get(query, name);
    if (typeof method !== "function") throw new TypeError(`A query has no ${String(name)}`);
    return Reflect.apply(method, query, args);
  };
  const follow = async (name: PropertyKey, args: unknown[]): Promise<unknown> => {
    try {
      const result = await call(name, args);
      if (name === "return" || Reflect.get(Object(result), "done") === true) over.resolve();
      return result;
    } catch (error) {
      over.resolve();
      throw error;
    }
  };
  const read = (name: PropertyKey, args: unknown[]): Promise<unknown> =>
    untilStopped(run, follow(name, args));
  const close = (): void => {
    isClosed = true;
    started?.close();
    over.resolve();
  };
  const onAbort = (): void => {
    // The reader may have left: what is read to its end here has ended.
    if (run.stopped !== undefined && started !== undefined)
      follow("return", []).catch(() => undefined);
  };
  run.signal.addEventListener("abort", onAbort, { once: true });
  const view: Q = new Proxy(Object.create(null), {
    get: (_, key) => {
      if (key === Symbol.asyncIterator) return () => view;
      // Nobody may take a query for a promise.
      if (key === "then" || (typeof key === "symbol" && key !== Symbol.asyncDispose))
        return undefined;
      if (key === "close") return close;
      const isReading = key === "next" || key === "return" || key === "throw";
      return (...args: unknown[]) => (isReading ? read(key, args) : call(key, args));
    },
  });
  return view;
}
