import type { Run } from "../../src/index.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import { untilStopped } from "../shared/until-stopped.ts";

/**
 * A streamed result that fails with the refusal once its run is stopped. The SDK
 * closes a stream in silence when its signal aborts, as if all had been said.
 */
export function stoppableStream<T>(run: Run, result: T): T {
  if (!isObject(result)) return result;
  const view: object = gatedView(run, result, (key, value) => {
    if (key === "completed" && value instanceof Promise) return settled(run, value);
    if (key === "error") return run.stopped ?? value;
    if (!isFunction(value)) return value;
    const call = (...args: unknown[]): unknown => Reflect.apply(value, result, args);
    if (key === Symbol.asyncIterator) return () => iterate(run, call());
    if (key !== "toStream" && key !== "toTextStream") return key === "constructor" ? value : call;
    return (...args: unknown[]) => failing(run, call(...args));
  });
  return view as T;
}

/** Nobody need listen to this promise. */
function settled(run: Run, completed: Promise<unknown>): Promise<unknown> {
  const result = untilStopped(run, completed);
  result.catch(() => undefined);
  return result;
}

async function* iterate(run: Run, source: unknown): AsyncGenerator<unknown, void, undefined> {
  const events = source as AsyncIterator<unknown>;
  try {
    for (;;) {
      const next = await untilStopped(run, events.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    const closed = events.return?.();
    closed?.catch(() => undefined);
  }
}

/** A web stream, or a stream of Node's, that errors with the refusal. */
function failing(run: Run, stream: unknown): unknown {
  if (!(stream instanceof ReadableStream)) {
    const destroy = isObject(stream) ? Reflect.get(stream, "destroy") : undefined;
    if (!isFunction(destroy)) throw new TypeError("The SDK gave a stream of an unknown kind");
    const onAbort = (): void => {
      if (run.stopped !== undefined) Reflect.apply(destroy, stream, [run.stopped]);
    };
    run.signal.addEventListener("abort", onAbort, { once: true });
    onAbort();
    return stream;
  }
  const events = iterate(run, stream[Symbol.asyncIterator]());
  return new ReadableStream({
    async pull(controller) {
      const next = await events.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await events.return();
    },
  });
}
