import { HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { answerPlan } from "../plan.ts";
import type { Services } from "../services.ts";

/** The org's plan, and how many of its places are taken. */
export function usageRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.usage;
  return {
    ...ROUTES.usage,
    access: "usage:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const usage = visitor.accepted(await services.store.usage(visitor.caller));
      return answer(reply, { status: "ok", handler, ...answerPlan(usage, visitor.caller.at) });
    },
  };
}
