import { createParser } from "eventsource-parser";
import { call } from "./authority.ts";
import type { TestAuthority } from "./authority.ts";

/** An event as it was told. */
export interface Told {
  readonly id: string;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A stream of events under test. */
export interface EventReader extends AsyncDisposable {
  readonly response: Response;
  /** The next event; undefined when the stream ended. */
  next(): Promise<Told | undefined>;
  /** The next so many events. */
  take(count: number): Promise<Told[]>;
  /** Everything that came so far, as text. */
  readonly raw: () => string;
  /** The last id that was told, of an event or by itself. */
  readonly lastId: () => string;
}

/** Opens a stream of events, and waits for what it says first. */
export async function openEvents(
  authority: Pick<TestAuthority, "url" | "ownerKey">,
  headers: Readonly<Record<string, string>> = {},
  query = "",
): Promise<EventReader> {
  const controller = new AbortController();
  const response = await fetch(`${authority.url}/api/v1/events${query}`, {
    headers: { "x-org-key": authority.ownerKey, ...headers },
    signal: controller.signal,
  });
  const told: Told[] = [];
  let text = "";
  let lastId = "";
  const parser = createParser({
    onId: (id) => (lastId = id ?? lastId),
    onEvent: ({ id = "", event = "", data }) => {
      lastId = id;
      told.push({ id, name: event, data: JSON.parse(data) as Record<string, unknown> });
    },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const read = async (): Promise<boolean> => {
    const chunk = await reader?.read().catch(() => undefined);
    if (chunk === undefined || chunk.done) return false;
    text += chunk.value;
    parser.feed(chunk.value);
    return true;
  };
  if (response.status === 200) await read();
  const next = async (): Promise<Told | undefined> => {
    while (told.length === 0) if (!(await read())) return undefined;
    return told.shift();
  };
  return {
    response,
    next,
    async take(count) {
      const taken: Told[] = [];
      while (taken.length < count) {
        const event = await next();
        if (event === undefined) throw new Error(`the stream ended after ${taken.length} events`);
        taken.push(event);
      }
      return taken;
    },
    raw: () => text,
    lastId: () => lastId,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await reader?.cancel().catch(() => undefined);
    },
  };
}

/** Registers a device, and makes some changes and decisions of it. */
export async function live(
  authority: Parameters<typeof call>[0],
  deviceId: string,
  operations: readonly string[],
): Promise<void> {
  for (const operation of operations) {
    await call(authority, "POST", `/api/v1/devices/${operation}`, { deviceId });
  }
}
