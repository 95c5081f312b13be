export { readEvents } from "./read-events.ts";
export type { EventsOptions, ReceivedEvent } from "./read-events.ts";
export type { EventType, OrgEvent } from "../wire/index.ts";
