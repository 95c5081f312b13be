import { IterableReadableStream } from "@langchain/core/utils/stream";
import type { Invocation } from "./invocation.ts";

/** The parts of something that has begun, the first of them already read. */
export interface Begun {
  readonly parts: AsyncIterator<unknown>;
  readonly first?: IteratorResult<unknown> | undefined;
}

/** Yields the parts, in order, until the run is stopped; then throws the denial. */
export async function* untilStopped(
  invocation: Invocation,
  { parts, first }: Begun,
): AsyncGenerator<unknown, void, undefined> {
  try {
    let next = first ?? (await invocation.untilStopped(parts.next()));
    while (next.done !== true) {
      yield next.value;
      next = await invocation.untilStopped(parts.next());
    }
  } finally {
    const closed = close(parts);
    // A source that ignores its signal would keep a stopped run from ending.
    if (invocation.run.stopped === undefined) await closed;
  }
}

/**
 * {@link untilStopped} as LangChain's stream, which begins when it is first read.
 * A reader that cancels is heard at once, not when the next part has come.
 */
export function streamUntilStopped(
  invocation: Invocation,
  begin: () => Promise<Begun>,
): IterableReadableStream<unknown> {
  let beginning: Promise<Begun> | undefined;
  const end = (): void => {
    invocation.end();
    void beginning?.then(({ parts }) => close(parts)).catch(() => undefined);
  };
  return new IterableReadableStream({
    async pull(controller) {
      try {
        const isFirst = beginning === undefined;
        const { parts, first } = await (beginning ??= begin());
        const next = isFirst && first ? first : await invocation.untilStopped(parts.next());
        if (next.done !== true) return controller.enqueue(next.value);
        invocation.end();
        controller.close();
      } catch (error) {
        end();
        throw error;
      }
    },
    cancel: end,
  });
}

async function close(parts: AsyncIterator<unknown>): Promise<void> {
  try {
    await parts.return?.();
  } catch {
    // Nobody reads it any more.
  }
}

/**
 * When a run fails, langchain rejects the outputs of unfinished tool calls and
 * subagents whether or not anyone listens. Unheard, a denial would end the
 * process.
 */
export function listenInside(handle: unknown): void {
  for (const part of ["toolCalls", "subagents"]) {
    const calls: unknown = Reflect.get(Object(handle), part);
    if (typeof calls === "object" && calls !== null && Symbol.asyncIterator in calls) {
      listenToOutputs(calls as AsyncIterable<unknown>).catch(() => undefined);
    }
  }
}

async function listenToOutputs(calls: AsyncIterable<unknown>): Promise<void> {
  for await (const call of calls) {
    const output: unknown = Reflect.get(Object(call), "output");
    if (output instanceof Promise) output.catch(() => undefined);
  }
}
