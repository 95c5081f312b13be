import type { Run } from "../../src/index.ts";
import { untilStopped } from "../shared/until-stopped.ts";
import { isAsyncIterable } from "./gate-function.ts";
import { isReadableStream } from "../shared/stoppable-source.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import type { AnyFunction } from "../shared/gated-view.ts";

/**
 * What a guarded call returned, so that a refusal which the SDK hides is seen:
 * promises reject and streams end with it.
 */
export function stopAwareResult(run: Run, result: unknown): unknown {
  if (isThenable(result)) {
    return untilStopped(run, result).then((value) =>
      hasStream(value) || membersOf(value).some(hasStream) ? stopAware(run, value) : value,
    );
  }
  return stopAware(run, result);
}

function stopAware(run: Run, result: unknown): unknown {
  if (typeof result !== "object" || result === null) return result;
  const value = stopAwareValue(run, result);
  if (value !== result) return value;
  if (Array.isArray(result)) return result.map((member) => stopAwareMember(run, member));
  return gatedView(run, result, (key, member) => {
    if (!isFunction(member)) return stopAwareMember(run, member);
    return key === "constructor" ? member : stopAwareMethod(run, result, key, member);
  });
}

/** A call of the caller's own may return the result of a stream as a part of its own. */
function stopAwareMember(run: Run, member: unknown): unknown {
  const value = stopAwareValue(run, member);
  return value === member && hasStream(value) ? stopAware(run, value) : value;
}

function membersOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  const isPlain = isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.values(value) : [];
}

/** What writes a stream to a response of Node's: pipeTextStreamToResponse and the like. */
const PIPING = /^pipe.*ToResponse$/;

/** The SDK alone would end the response as if all had been said. */
function breakOffWhenStopped(run: Run, response: unknown): void {
  if (!isObject(response)) return;
  const onAbort = (): void => {
    const destroy: unknown = Reflect.get(response, "destroy");
    if (run.stopped !== undefined && isFunction(destroy)) Reflect.apply(destroy, response, []);
  };
  run.signal.addEventListener("abort", onAbort, { once: true });
  onAbort();
}

function stopAwareMethod(
  run: Run,
  result: object,
  key: PropertyKey,
  method: AnyFunction,
): (...args: unknown[]) => unknown {
  return (...args) => {
    if (PIPING.test(String(key))) breakOffWhenStopped(run, args[0]);
    const value = stopAwareValue(run, Reflect.apply(method, result, args));
    if (key === "consumeStream" && value instanceof Promise) {
      value.catch((error: unknown) => {
        const [options] = args;
        const onError: unknown = isObject(options) ? Reflect.get(options, "onError") : undefined;
        if (error === run.stopped && isFunction(onError)) Reflect.apply(onError, options, [error]);
      });
    }
    return value;
  };
}

function stopAwareValue(run: Run, value: unknown): unknown {
  if (isThenable(value)) {
    const promise = untilStopped(run, value).then((inner) => stopAwareValue(run, inner));
    // As the SDK's own promises do: one that nobody reads is no unhandled rejection.
    promise.catch(() => undefined);
    return promise;
  }
  if (isReadableStream(value)) return stopAwareStream(run, value);
  if (isResponse(value)) {
    return value.body === null ? value : new Response(stopAwareStream(run, value.body), value);
  }
  return isAsyncIterable(value) ? stopAwareIterable(run, value) : value;
}

/** `source`, but ending with the refusal as soon as the run is stopped. Reads only when read. */
function stopAwareStream<T>(run: Run, source: ReadableStream<T>): ReadableStream<T> {
  let reader: ReadableStreamDefaultReader<T> | undefined;
  const stream = new ReadableStream<T>(
    {
      async pull(controller) {
        try {
          reader ??= source.getReader();
          const { done, value } = await untilStopped(run, reader.read());
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          // The source is left to the aborted signal: version 5 breaks when it is cancelled as well.
          controller.error(error);
        }
      },
      cancel: (reason) => (reader ?? source).cancel(reason),
    },
    { highWaterMark: 0 },
  );
  if (!isAsyncIterable(stream)) {
    Object.defineProperty(stream, Symbol.asyncIterator, { value: () => iterate(stream) });
  }
  return stream;
}

/** Iteration for runtimes whose streams have none of their own. */
async function* iterate<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}

async function* stopAwareIterable<T>(run: Run, source: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await untilStopped(run, iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    iterator.return?.().catch(() => undefined);
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  isObject(value) && !isFunction(value) && isFunction(Reflect.get(value, "then"));

const isResponse = (value: unknown): value is Response =>
  typeof Response === "function" && value instanceof Response;

/** Whether a value is a stream, or a result that has one. */
function hasStream(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (isReadableStream(value) || isResponse(value) || isAsyncIterable(value)) return true;
  for (let owner: unknown = value; isObject(owner); owner = Object.getPrototypeOf(owner)) {
    if (Object.getOwnPropertyNames(owner).some((name) => /stream$/i.test(name))) return true;
  }
  return false;
}
