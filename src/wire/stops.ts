import * as z from "zod/mini";
import { runningBodySchema } from "./lease-messages.ts";

/** How far a stop has come. */
export const stopProgressSchema = z.looseObject({
  /** Of the change that made it so. */
  version: z.int(),
  /** `fenced`: nobody can begin on an older allow. `drained`: what ran on one has ended, too. */
  state: z.enum(["pending", "fenced", "drained"]),
  /** Whoever it concerns: sessions, and devices that asked over HTTP just before. */
  holders: z.int(),
  fenced: z.int(),
  drained: z.int(),
  /** ISO 8601 instant at which it is fenced, whoever holds what. */
  deadline: z.string(),
});
export type StopProgress = z.infer<typeof stopProgressSchema>;

/** One of those whom a stop concerns. */
export const stopHolderSchema = z.looseObject({
  /** `session`: a process with a lease channel. `strict`: whoever asked over HTTP, of whom no more is known. */
  kind: z.enum(["session", "strict"]),
  session: z.exactOptional(z.string()),
  /** The first ones; `devices_total` says how many there are. */
  devices: z.array(z.string()),
  devices_total: z.int(),
  /**
   * `lost`: its channel is gone; it is fenced by time, and never known to be drained. `overdue`: it is
   * connected and has not acknowledged, though its lease is over.
   */
  state: z.enum(["pending", "fenced", "drained", "lost", "overdue"]),
  /** ISO 8601 instant at which what it was given is over by itself; null when it holds nothing. */
  until: z.nullable(z.string()),
  /** When it acknowledged. */
  fenced_at: z.exactOptional(z.nullable(z.string())),
  drained_at: z.exactOptional(z.nullable(z.string())),
  /**
   * What was stopped there and still ran when the session last spoke of it, a second later: the
   * first ones. Of devices that are drained it names none.
   */
  running: z.exactOptional(
    z.array(z.looseObject({ ...runningBodySchema.def.shape, device: z.string() })),
  ),
});
export type StopHolderAnswer = z.infer<typeof stopHolderSchema>;

/** Answer of stops/{version}. */
export const stopAnswerSchema = z.looseObject({
  status: z.literal("ok"),
  handler: z.string(),
  stop: stopProgressSchema,
  /** A page of those whom it concerns. */
  holders: z.array(stopHolderSchema),
  /** Where the next page begins; null on the last. */
  cursor: z.nullable(z.string()),
  request_id: z.string(),
});
export type StopAnswer = z.infer<typeof stopAnswerSchema>;
