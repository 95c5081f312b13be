import { HANDLERS, ROUTES, setOrgPlanRequestSchema } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { answer } from "../http/answer.ts";
import { authenticateAdmin } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { answerOrg, planTerms } from "../plan.ts";
import type { Services } from "../services.ts";

/** Changes an org's plan, its state or its end, all at once. */
export function setOrgPlanRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.setOrgPlan;
  return {
    ...ROUTES.setOrgPlan,
    access: "admin",
    async handle(request, reply) {
      const visitor = authenticateAdmin(request, services);
      const { caller } = visitor;
      const { orgId, plan, planState, accessUntil, reason } = parseBody(
        setOrgPlanRequestSchema,
        request.body,
      );
      const patch = {
        ...(plan === undefined ? {} : planTerms(plan)),
        ...(planState === undefined ? {} : { planState }),
        ...(accessUntil === undefined
          ? {}
          : { accessUntil: accessUntil === null ? null : Date.parse(accessUntil) }),
      };
      const options = reason === undefined ? {} : { reason };
      const outcome = visitor.accepted(
        await services.store.changeOrg(caller, orgId, patch, options),
      );
      if (outcome.kind === "not_found") throw new Failure("ORG_NOT_FOUND");
      services.logger.info({ request_id: request.id, orgId }, "org plan changed");
      return answer(reply, { status: "ok", handler, org: answerOrg(outcome, caller.at) });
    },
  };
}
