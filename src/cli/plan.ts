import type { UsageAnswer } from "../wire/index.ts";
import { printable } from "./output.ts";

type PlanFields = Pick<
  UsageAnswer,
  "planTier" | "planState" | "accessUntil" | "limit" | "devicesUsed" | "overLimit"
>;

/** A plan for people, on one line. */
export function describePlan(plan: PlanFields): string {
  const { planTier, planState, accessUntil, limit, devicesUsed, overLimit } = plan;
  const until = accessUntil === null ? "" : ` until ${printable(accessUntil)}`;
  const devices = limit === null ? `${devicesUsed} devices` : `${devicesUsed} of ${limit} devices`;
  const over = overLimit ? ", over the limit" : "";
  return `${printable(planTier)}, ${printable(planState)}${until}: ${devices} in use${over}`;
}
