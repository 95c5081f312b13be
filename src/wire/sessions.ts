import * as z from "zod/mini";

/** How many sessions have to do with a device. */
export const deviceSessionsSchema = z.looseObject({
  deviceId: z.string(),
  /** Processes with a lease channel that watch it. */
  sessions: z.int(),
  /** Those whose channel is gone, and that may run something of it or hold a lease. */
  lost: z.int(),
});
export type DeviceSessions = z.infer<typeof deviceSessionsSchema>;

/** Answer of sessions. */
export const sessionsAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  /** Processes with a lease channel, whatever they watch. */
  sessions: z.int(),
  /** A page of the devices that have any, in the order of their ids. */
  devices: z.array(deviceSessionsSchema),
  /** Whether all processes of the authority have said what they know; else there may be more. */
  complete: z.boolean(),
  /** Where the next page begins; null on the last. */
  cursor: z.nullable(z.string()),
  request_id: z.string(),
});
export type SessionsAnswer = z.infer<typeof sessionsAnswerSchema>;
