import type { OrgEvent } from "../../wire/index.ts";
import type { Cursor } from "./cursor.ts";

/** An event and where a reader is who has seen it. */
export interface PlacedEvent {
  readonly event: OrgEvent;
  readonly cursor: Cursor;
}

/** What came after a cursor. */
export interface EventPage {
  readonly events: readonly PlacedEvent[];
  /** Where a reader is who has seen this page. */
  readonly cursor: Cursor;
  /** Something that came after the asked-for cursor is not there to be told. */
  readonly isBroken: boolean;
  /** There is more already. */
  readonly hasMore: boolean;
}

/** Where event streams get their events from. Any store can be behind it. */
export interface EventSource {
  /** Where an org's events end now. */
  end(orgId: string): Promise<Cursor>;
  /** The events of one org that came after a cursor, at most about `limit` of them. */
  read(orgId: string, after: Cursor, limit: number): Promise<EventPage>;
  /** Calls a listener when there may be something new, and returns what ends that. */
  onNews(listener: () => void): () => void;
}
