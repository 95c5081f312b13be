import * as z from "zod/mini";

/** What an event tells of: a decision, or anything that was changed. */
export const EVENT_TYPES = ["change", "decision"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/**
 * One event of an org's stream: what the audit says of one change or one
 * decision, without its place in the chain.
 */
export const orgEventSchema = z.looseObject({
  type: z.enum(EVENT_TYPES),
  /** `validate`, `register`, `revoke`, `unrevoke`, `remove`, `org_create`, `org_change`, … */
  operation: z.string(),
  /** ISO 8601 instant. */
  at: z.string(),
  /** Id of the key that asked, or `bootstrap`. */
  by: z.string(),
  request_id: z.string(),
  /** Version of the change, or that a decision was read at. */
  version: z.int(),
  deviceId: z.exactOptional(z.string()),
  /** In the place of `deviceId`, when one request got the same decision on several. */
  deviceIds: z.exactOptional(z.array(z.string())),
  /** The code of a decision, or why what was asked for was refused: nothing was changed then. */
  code: z.exactOptional(z.string()),
  /** What else was changed, by field name. */
  detail: z.exactOptional(z.record(z.string(), z.unknown())),
});
export type OrgEvent = z.infer<typeof orgEventSchema>;

/**
 * Name of the event after which what came before is not told: the stream cannot
 * go on where `Last-Event-ID` says. Read the state anew, then go on.
 */
export const RESET_EVENT = "reset";
/** Header that says which event was seen last. */
export const LAST_EVENT_ID_HEADER = "last-event-id";
