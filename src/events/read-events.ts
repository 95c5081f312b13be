import { createParser } from "eventsource-parser";
import {
  EVENT_TYPES,
  LAST_EVENT_ID_HEADER,
  ORG_KEY_HEADER,
  REQUEST_ID_HEADER,
  requestIdOf,
  RESET_EVENT,
  ROUTES,
} from "../wire/index.ts";
import type { EventType, OrgEvent } from "../wire/index.ts";
import {
  checkBaseUrl,
  checkOrgKey,
  DEFAULT_BASE_URL,
  MachineIDError,
  RequestError,
} from "../client/index.ts";
import type { Fetch } from "../client/index.ts";

/** Whose events are read, which, and from where on. */
export interface EventsOptions {
  /** The org's key. It is never shown. */
  readonly orgKey: string;
  /** The authority's address. @default "https://machineid.io" */
  readonly baseUrl?: string | undefined;
  /** Let the key travel over plain http to a host that is not loopback. @default false */
  readonly allowInsecureHttp?: boolean | undefined;
  /** Used instead of the runtime's own. */
  readonly fetch?: Fetch | undefined;
  /** Go on after the event of this id. @default from now on */
  readonly lastEventId?: string | undefined;
  /** Only events of this type. @default all */
  readonly type?: EventType | undefined;
  /** Ends the reading: it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** One event as it came. */
export type ReceivedEvent =
  | { readonly type: EventType; readonly id: string; readonly event: OrgEvent }
  /** What came before is not told: read the state anew, then go on. */
  | { readonly type: typeof RESET_EVENT; readonly id: string };

interface Endpoint {
  readonly origin: string;
  readonly prefix: string;
  readonly key: string;
  readonly fetch: Fetch;
}

const FIRST_RETRY_MS = 500;
const MOST_RETRY_MS = 15_000;
/** The authority says every 15 s that it lives; after three times of silence it is taken for dead. */
const SILENCE_MS = 45_000;
/** Longest event that is read, in characters. */
const MAX_EVENT_LENGTH = 1024 * 1024;

/**
 * Reads an org's changes and decisions as they happen, from an authority that has
 * the extension `events`. Lost connections are made again, and the reading goes on
 * where it was. It ends with the loop that reads it, or by `signal`.
 *
 * @throws {@link InvalidArgumentError} when an option can never work
 * @throws {@link RequestError} when the authority refuses the key, or has no events
 */
export async function* readEvents({
  orgKey,
  baseUrl = DEFAULT_BASE_URL,
  allowInsecureHttp = false,
  fetch = (url, init) => globalThis.fetch(url, init),
  lastEventId = "",
  type,
  signal,
}: EventsOptions): AsyncGenerator<ReceivedEvent, never, undefined> {
  const key = checkOrgKey(orgKey);
  const endpoint = { ...checkBaseUrl(baseUrl, allowInsecureHttp), key, fetch };
  const place = { id: lastEventId };
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      for await (const received of readOnce(endpoint, place, type, signal)) {
        retryMs = FIRST_RETRY_MS;
        yield received;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (isFinal(error)) throw error;
    }
    await pause(retryMs * (0.5 + Math.random() / 2), signal);
    retryMs = Math.min(retryMs * 2, MOST_RETRY_MS);
  }
}

/** The authority will answer the same again: the key, the address or the request is wrong. */
function isFinal(error: unknown): boolean {
  if (!RequestError.isInstance(error)) return MachineIDError.isInstance(error);
  const { status } = error;
  return status !== undefined && status >= 300 && status < 500 && status !== 408 && status !== 429;
}

async function* readOnce(
  { origin, prefix, key, fetch }: Endpoint,
  place: { id: string },
  type: EventType | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReceivedEvent, void, undefined> {
  const { method, path } = ROUTES.events;
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => controller.abort(), SILENCE_MS);
  };
  try {
    heard();
    const query = type === undefined ? "" : `?type=${type}`;
    const response = await fetch(origin + prefix + path + query, {
      method,
      headers: {
        accept: "text/event-stream",
        [ORG_KEY_HEADER]: key,
        ...(place.id === "" ? {} : { [LAST_EVENT_ID_HEADER]: place.id }),
      },
      redirect: "manual",
      signal: controller.signal,
    });
    const { status, headers, body } = response;
    if (status !== 200 || body === null) {
      const requestId = requestIdOf({ request_id: headers.get(REQUEST_ID_HEADER) });
      const details = { method, path, status, requestId };
      throw new RequestError("AUTHORITY_MALFORMED", "the answer is no event stream", details);
    }
    const received: ReceivedEvent[] = [];
    const parser = createParser({
      maxBufferSize: MAX_EVENT_LENGTH,
      onId: (id) => (place.id = id ?? place.id),
      onEvent: ({ event, data, id = place.id }) => {
        const read = readEvent(event, data, id);
        if (read !== undefined) received.push(read);
      },
    });
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      heard();
      parser.feed(text);
      for (let next = received.shift(); next !== undefined; next = received.shift()) yield next;
    }
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener("abort", abort);
    controller.abort();
  }
}

function readEvent(name: string | undefined, data: string, id: string): ReceivedEvent | undefined {
  if (name === RESET_EVENT) return { type: RESET_EVENT, id };
  const type = EVENT_TYPES.find((known) => known === name);
  // What a newer authority may tell besides is passed over.
  return type === undefined ? undefined : { type, id, event: JSON.parse(data) as OrgEvent };
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done, { once: true });
  });
}
