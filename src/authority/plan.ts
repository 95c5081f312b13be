import { randomUUID } from "node:crypto";
import { PLAN_LIMITS } from "../wire/index.ts";
import type { Org, Plan } from "../wire/index.ts";
import type { OrgRecord } from "./store/records.ts";
import type { OrgUsage } from "./store/org-store.ts";

/** The plan fields of an answer. */
export interface PlanAnswer {
  readonly planTier: string;
  readonly planState: string;
  readonly accessUntil: string | null;
  readonly limit: number | null;
  readonly devicesUsed: number;
  readonly remaining: number | null;
  readonly overLimit: boolean;
  readonly softGraceWindow: boolean;
}

/** The tier and cap that a plan names. */
export function planTerms(plan: Plan): Pick<OrgRecord, "planTier" | "limit"> {
  if (typeof plan === "number") return { planTier: "custom", limit: plan };
  return { planTier: plan, limit: PLAN_LIMITS[plan] };
}

/**
 * How an org's plan is answered. An active plan whose `accessUntil` has passed
 * is answered as `inactive`, since that is how it is decided.
 */
export function answerPlan({ org, devicesUsed }: OrgUsage, now: number): PlanAnswer {
  const { planTier, planState, accessUntil, limit } = org;
  const lapsed = planState === "active" && accessUntil !== null && now >= accessUntil;
  return {
    planTier,
    planState: lapsed ? "inactive" : planState,
    accessUntil: isoInstant(accessUntil),
    limit,
    devicesUsed,
    remaining: limit === null ? null : Math.max(0, limit - devicesUsed),
    overLimit: limit !== null && devicesUsed > limit,
    softGraceWindow: false,
  };
}

/** How an org is answered to the administrator. */
export function answerOrg(usage: OrgUsage, now: number): Org {
  const { id, name, createdAt } = usage.org;
  return {
    orgId: id,
    name,
    createdAt: new Date(createdAt).toISOString(),
    ...answerPlan(usage, now),
  };
}

/** ISO 8601 of milliseconds since the epoch. */
export function isoInstant(at: number): string;
export function isoInstant(at: number | null): string | null;
export function isoInstant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** Makes the record of a new org, on `unlimited` unless told otherwise. */
export function createOrgRecord(
  { name = "default", plan = "unlimited" }: { readonly name?: string; readonly plan?: Plan },
  createdAt: number,
): OrgRecord {
  return {
    id: randomUUID(),
    name,
    createdAt,
    ...planTerms(plan),
    planState: "active",
    accessUntil: null,
    disabled: false,
    disabledVersion: 0,
    twoPersonRestore: false,
    restoreRequest: null,
  };
}
