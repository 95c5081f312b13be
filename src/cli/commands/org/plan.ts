import { defineCommand } from "citty";
import {
  PLAN_STATES,
  setOrgPlanAnswerSchema,
  setOrgPlanRequestSchema,
} from "../../../wire/index.ts";
import { ADMIN_ARGUMENTS, askAsAdmin } from "../../admin-client.ts";
import { expectDone } from "../../answer.ts";
import { readPlan, REASON_ARGUMENT } from "../../arguments.ts";
import { EXIT, UsageError } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { paint, print, printable, printJson } from "../../output.ts";
import { describePlan } from "../../plan.ts";

/** `machineid org plan ORGID` */
export const command = defineCommand({
  meta: { name: "plan", description: "Change an org's plan, its state or its end; at once" },
  args: {
    org: { type: "positional", required: true, description: "Org id, as org list shows it" },
    plan: {
      type: "string",
      description: "free, pro, scale, max, unlimited, or a number of devices",
      valueHint: "PLAN",
    },
    state: { type: "string", description: PLAN_STATES.join(", "), valueHint: "STATE" },
    "access-until": {
      type: "string",
      description: "ISO 8601 instant after which nothing is allowed, or none",
      valueHint: "INSTANT",
    },
    ...REASON_ARGUMENT,
    ...ADMIN_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const { plan, state, "access-until": until } = args;
    const change = {
      ...(plan === undefined ? {} : { plan: readPlan(plan) }),
      ...(state === undefined ? {} : { planState: readState(state) }),
      ...(until === undefined ? {} : { accessUntil: readInstant(until) }),
    };
    if (Object.keys(change).length === 0) {
      throw new UsageError("Say what to change: --plan, --state or --access-until");
    }
    const answer = await askAsAdmin(args, "setOrgPlan", {
      orgId: args.org,
      ...change,
      reason: args.reason,
    });
    const body = expectDone(answer, `Changing ${printable(args.org)}`);
    const known = setOrgPlanAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else
      print(`${paint("bold", printable(known.data.org.orgId))}  ${describePlan(known.data.org)}`);
    return EXIT.ok;
  },
});

function readState(state: string): string {
  if (PLAN_STATES.some((known) => known === state)) return state;
  throw new UsageError(`--state must be ${PLAN_STATES.join(", ")}, not ${JSON.stringify(state)}`);
}

function readInstant(text: string): string | null {
  if (text === "none") return null;
  const { success } = setOrgPlanRequestSchema.safeParse({ orgId: "any", accessUntil: text });
  if (success) return text;
  throw new UsageError(
    `--access-until must be none or an instant like 2030-01-31T12:00:00Z, not ${JSON.stringify(text)}`,
  );
}
