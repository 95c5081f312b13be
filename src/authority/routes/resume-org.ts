import { HANDLERS, resumeOrgRequestSchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerOrgState } from "./answer-org.ts";
import { pendingStatus, restoreOptions, unconflicted } from "./restoring.ts";

/** Ends an org's stop. What was stopped does not start again by itself. */
export function resumeOrgRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.resumeOrg;
  return {
    ...ROUTES.resumeOrg,
    access: "org:resume",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const options = restoreOptions(parseBody(resumeOrgRequestSchema, request.body ?? {}));
      const outcome = await services.store.resumeOrg(visitor.caller, options);
      const { org, changed, pending, version } = unconflicted(visitor.accepted(outcome));
      const fields = { request_id: request.id, orgId: org.id, changed, pending };
      services.logger.warn(fields, "org resumed");
      const { httpStatus, status } = pendingStatus(pending);
      const state = answerOrgState(org);
      return answer(reply, { status, handler, ...state, changed, version }, httpStatus);
    },
  };
}
