import type { AuditDecisions } from "../../authority/index.ts";
import { readInteger } from "../arguments.ts";
import { UsageError } from "../exit-code.ts";
import { named } from "./environment.ts";

/** What an authority keeps of its audit. */
export interface AuditOptions {
  readonly auditDecisions: AuditDecisions;
  readonly auditRetentionDays?: number;
}

const MAX_DAYS = 36_500;

/** @throws {@link UsageError} */
export function readAuditOptions(args: {
  readonly "audit-decisions": string;
  readonly "audit-retention"?: string | undefined;
}): AuditOptions {
  const { "audit-decisions": decisions, "audit-retention": days } = args;
  return {
    auditDecisions: readDecisions(decisions),
    ...(days === undefined
      ? {}
      : { auditRetentionDays: readInteger(days, named("audit-retention"), 1, MAX_DAYS) }),
  };
}

function readDecisions(text: string): AuditDecisions {
  if (text === "all" || text === "none") return text;
  const [, rate] = /^sampled:(0(?:\.\d{1,9})?|1(?:\.0{1,9})?)$/.exec(text) ?? [];
  if (rate !== undefined) return { sampled: Number(rate) };
  throw new UsageError(
    `${named("audit-decisions")} must be all, none, or sampled: and a part from 0 to 1, as in sampled:0.01, not ${JSON.stringify(text)}`,
  );
}
