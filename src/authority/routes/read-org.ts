import { HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerOrgState } from "./answer-org.ts";

/** Whether the org is stopped, what restores need, and how far the change log has come. */
export function readOrgRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.readOrg;
  return {
    ...ROUTES.readOrg,
    access: "org:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { org, version } = visitor.accepted(await services.store.readOrg(visitor.caller));
      return answer(reply, { status: "ok", handler, ...answerOrgState(org), version });
    },
  };
}
