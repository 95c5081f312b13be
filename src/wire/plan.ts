import * as z from "zod/mini";

/** Devices that may be registered at once, per plan tier; `null` is without a cap. */
export const PLAN_LIMITS = {
  free: 3,
  pro: 25,
  scale: 250,
  max: 1000,
  unlimited: null,
} as const satisfies Record<string, number | null>;

export const PLAN_TIERS = ["free", "pro", "scale", "max", "unlimited", "custom"] as const;
/** `custom` has a cap of its own. `unlimited` and `custom` exist on a self-hosted authority only. */
export type PlanTier = (typeof PLAN_TIERS)[number];

export const PLAN_STATES = ["active", "frozen", "inactive"] as const;
export type PlanState = (typeof PLAN_STATES)[number];

/** The plan fields that `register` and `usage` answer with. */
export const planFields = {
  planTier: z.string(),
  planState: z.string(),
  /** ISO 8601 instant after which the plan counts as not active, or null. */
  accessUntil: z.nullable(z.string()),
  /** Cap on registered, unrevoked devices; null is without a cap. */
  limit: z.nullable(z.number()),
  devicesUsed: z.number(),
  remaining: z.nullable(z.number()),
  overLimit: z.boolean(),
  softGraceWindow: z.boolean(),
};
