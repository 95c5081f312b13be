import { createParser } from "eventsource-parser";
import { RESET_EVENT, ROUTES } from "../../wire/index.ts";
import { Violation } from "./rule.ts";
import type { Subject } from "./subject.ts";

/** Longest that an event may take, in milliseconds. */
const PATIENCE_MS = 5_000;

/** An event as it was told. */
export interface ToldEvent {
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A stream of events that is being read. */
export interface ReadStream extends AsyncDisposable {
  /** The first event from here on that is wanted. @throws Violation when none comes */
  until(isWanted: (event: ToldEvent) => boolean): Promise<ToldEvent>;
}

/** Opens the org's event stream. @throws Violation when it does not open */
export async function readStream(
  subject: Subject,
  headers: Readonly<Record<string, string>>,
): Promise<ReadStream> {
  const controller = new AbortController();
  const { method, path } = ROUTES.events;
  const response = await subject.open({ method, path, headers }, controller.signal);
  const { status, body } = response;
  if (status !== 200 || body === null) {
    controller.abort();
    throw new Violation(`${path} answered ${status}`);
  }
  const told: ToldEvent[] = [];
  const parser = createParser({
    onEvent: ({ id = "", event, data }) => {
      if (event !== RESET_EVENT) told.push({ id, data: Object(parse(data)) });
    },
  });
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  return {
    async until(isWanted) {
      const patience = setTimeout(() => controller.abort(), PATIENCE_MS);
      try {
        for (;;) {
          for (let event = told.shift(); event !== undefined; event = told.shift()) {
            if (isWanted(event)) return event;
          }
          const { done, value } = await reader.read();
          if (done) throw new Violation("the event stream ended");
          parser.feed(value);
        }
      } catch (error) {
        if (error instanceof Violation) throw error;
        throw new Violation(`the event did not come within ${PATIENCE_MS} ms`);
      } finally {
        clearTimeout(patience);
      }
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await reader.cancel().catch(() => undefined);
    },
  };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return {};
  }
}
