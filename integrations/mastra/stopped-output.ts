import type { Run } from "../../src/index.ts";
import { gatedView, isFunction, isObject } from "../shared/gated-view.ts";
import { untilStopped } from "../shared/until-stopped.ts";

/** Ways of reading that a web stream has of its own. */
const READING: ReadonlySet<PropertyKey> = new Set([
  "getReader",
  "pipeThrough",
  "pipeTo",
  "tee",
  "values",
  Symbol.asyncIterator,
]);

/**
 * What a streaming call gave, as a view whose promises and streams fail with the
 * refusal once the run is stopped. Mastra ends an aborted stream as if all had
 * been said, or with an error of its own.
 */
export function stoppableOutput(run: Run, output: unknown): unknown {
  if (!isObject(output)) return output;
  const isStream = output instanceof ReadableStream;
  let reading: ReadableStream | undefined;
  const failing = (stream: ReadableStream): ReadableStream =>
    (reading ??= failingStream(run, stream));
  return gatedView(run, output, (key, value) => {
    if (key === "error") return run.stopped ?? value;
    if (!isFunction(value)) return shown(run, value);
    if (key === "constructor") return value;
    if (isStream && READING.has(key)) {
      return (...args: unknown[]): unknown =>
        Reflect.apply(Reflect.get(failing(output), key), failing(output), args);
    }
    return (...args: unknown[]): unknown => shown(run, Reflect.apply(value, output, args));
  });
}

function shown(run: Run, value: unknown): unknown {
  if (value instanceof ReadableStream) return failingStream(run, value);
  if (!isObject(value) || !isFunction(Reflect.get(value, "then"))) return value;
  const result = untilStopped(run, value as PromiseLike<unknown>);
  // Nobody need listen to every promise that an output offers.
  result.catch(() => undefined);
  return result;
}

function failingStream(run: Run, stream: ReadableStream): ReadableStream {
  const reader: ReadableStreamDefaultReader<unknown> = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      const next = await untilStopped(run, reader.read());
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel(reason) {
      await reader.cancel(reason);
    },
  });
}
