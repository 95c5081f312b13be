import { HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticateAdmin } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { answerOrg } from "../plan.ts";
import type { Services } from "../services.ts";

/** All orgs, in the order of their creation. */
export function listOrgsRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.listOrgs;
  return {
    ...ROUTES.listOrgs,
    access: "admin",
    async handle(request, reply) {
      const visitor = authenticateAdmin(request, services);
      const { caller } = visitor;
      const { orgs } = visitor.accepted(await services.store.listOrgs(caller));
      const answered = orgs.map((usage) => answerOrg(usage, caller.at));
      return answer(reply, { status: "ok", handler, orgs: answered });
    },
  };
}
