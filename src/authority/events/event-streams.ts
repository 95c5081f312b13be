import type { ServerResponse } from "node:http";
import { RESET_EVENT } from "../../wire/index.ts";
import type { EventType } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import type { Cursor } from "./cursor.ts";
import { formatCursor } from "./cursor.ts";
import type { EventPage, EventSource } from "./event-source.ts";
import { EventStream } from "./event-stream.ts";
import type { StreamEnd, StreamTimes } from "./event-stream.ts";

/** Bounds of all streams of an authority. */
export interface StreamLimits extends StreamTimes {
  readonly maxStreams: number;
  readonly maxStreamsPerOrg: number;
}

/** Who reads what. */
export interface Reader {
  readonly orgId: string;
  /** Events after this; those from now on when undefined. */
  readonly after: Cursor | undefined;
  /** Only events of this type; all when undefined. */
  readonly type: EventType | undefined;
  readonly response: ServerResponse;
  /** Whether the reader's key still counts. */
  isAllowed(): Promise<boolean>;
}

/** Events read at once. What a reader has not taken yet is at most this many. */
const PAGE = 200;
/** News that come within this time are told together, in milliseconds. */
const GATHER_MS = 20;
/** How soon a reader whose stream ended should come again, in milliseconds. */
const RETRY_MS = 2_000;
/** How soon a reader for whom there is no stream should come again, in milliseconds. */
const BUSY_RETRY_MS = 10_000;

/** All readers of events. They share what is read from the store for them. */
export class EventStreams {
  readonly #source: EventSource;
  readonly #limits: StreamLimits;
  readonly #open = new Map<EventStream, string>();
  readonly #pages = new Map<string, Promise<EventPage>>();
  #stopListening: (() => void) | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(source: EventSource, limits: StreamLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** @throws Failure TOO_MANY_REQUESTS when the org, or everyone, has too many streams open */
  admit(orgId: string): void {
    const { maxStreams, maxStreamsPerOrg } = this.#limits;
    const ofOrg = [...this.#open.values()].filter((open) => open === orgId).length;
    if (this.#closed || this.#open.size >= maxStreams || ofOrg >= maxStreamsPerOrg) {
      const message = "Too many event streams are open; close some.";
      throw new Failure("TOO_MANY_REQUESTS", message, BUSY_RETRY_MS);
    }
  }

  /**
   * Tells a reader of events until either side has enough.
   *
   * @throws StoreUnavailableError when the store cannot be read
   */
  async serve(reader: Reader): Promise<StreamEnd> {
    const { orgId, type, response } = reader;
    const stream = new EventStream(response, this.#limits);
    this.#open.set(stream, orgId);
    this.#stopListening ??= this.#source.onNews(() => this.#gather());
    try {
      const now = await this.#source.end(orgId);
      // A place that names nothing of this org's is no place to go on from.
      const isLost = reader.after !== undefined && !hasPlaceIn(reader.after, now);
      let cursor = reader.after === undefined || isLost ? now : reader.after;
      return await stream.run({
        opening: `retry: ${RETRY_MS}\n${isLost ? reset(cursor) : `id: ${formatCursor(cursor)}\n\n`}`,
        tell: async (write) => {
          const page = await this.#read(orgId, cursor);
          if (page.isBroken) await write(reset(cursor));
          await write(encode(page, type));
          ({ cursor } = page);
          return page.hasMore;
        },
        isAllowed: () => reader.isAllowed(),
        heartbeat: () => `: alive\nid: ${formatCursor(cursor)}\n\n`,
      });
    } finally {
      this.#open.delete(stream);
      if (this.#open.size === 0) {
        this.#stopListening?.();
        this.#stopListening = undefined;
      }
    }
  }

  /** Ends every stream, and admits no more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#gathering);
    for (const stream of this.#open.keys()) stream.end("closed");
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#pages.clear();
      for (const stream of this.#open.keys()) stream.news();
    }, GATHER_MS);
  }

  /** Readers who are at the same place share one reading. */
  #read(orgId: string, cursor: Cursor): Promise<EventPage> {
    const place = `${orgId} ${formatCursor(cursor)}`;
    const shared = this.#pages.get(place);
    if (shared !== undefined) return shared;
    const page = this.#source.read(orgId, cursor, PAGE);
    this.#pages.set(place, page);
    const forget = (): void => {
      if (this.#pages.get(place) === page) this.#pages.delete(place);
    };
    page.then(forget, forget);
    return page;
  }
}

const hasPlaceIn = (cursor: Cursor, chains: Cursor): boolean =>
  [...cursor.keys()].some((chain) => chains.has(chain));

const reset = (cursor: Cursor): string =>
  `event: ${RESET_EVENT}\nid: ${formatCursor(cursor)}\ndata: {}\n\n`;

function encode(page: EventPage, type: EventType | undefined): string {
  let text = "";
  for (const { event, cursor } of page.events) {
    if (type !== undefined && event.type !== type) continue;
    text += `id: ${formatCursor(cursor)}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  }
  return text;
}
