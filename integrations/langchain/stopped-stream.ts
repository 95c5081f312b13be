import { IterableReadableStream } from "@langchain/core/utils/stream";
import type { StoppableSource } from "../shared/stoppable-source.ts";
import type { Invocation } from "./invocation.ts";

/**
 * What an invocation gives in parts, as LangChain's stream, which begins when it
 * is first read. It fails with the denial once the run is stopped. A reader that
 * cancels is heard at once, not when the next part has come.
 */
export function streamUntilStopped(
  invocation: Invocation,
  begin: () => Promise<StoppableSource<unknown>>,
): IterableReadableStream<unknown> {
  let beginning: Promise<StoppableSource<unknown>> | undefined;
  const end = (): void => {
    invocation.end();
    void beginning?.then((parts) => parts.return()).catch(() => undefined);
  };
  return new IterableReadableStream({
    async pull(controller) {
      try {
        const next = await (await (beginning ??= begin())).next();
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
