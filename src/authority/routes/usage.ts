import { ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate, knownOrgKey } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { answerPlan } from "../plan.ts";
import type { Services } from "../services.ts";

/** The org's plan, and how many of its places are taken. */
export function usageRoute(services: Services): AuthorityRoute {
  const { handler } = ROUTES.usage;
  return {
    ...ROUTES.usage,
    async handle(request, reply) {
      const caller = authenticate(request, services);
      const usage = knownOrgKey(await services.store.usage(caller));
      return answer(reply, { status: "ok", handler, ...answerPlan(usage, caller.at) });
    },
  };
}
