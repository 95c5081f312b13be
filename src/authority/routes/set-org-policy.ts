import { HANDLERS, ROUTES, setOrgPolicyRequestSchema } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerOrgState } from "./answer-org.ts";

/** Says whether restores need two keys. */
export function setOrgPolicyRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.setOrgPolicy;
  return {
    ...ROUTES.setOrgPolicy,
    access: "org:policy",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { reason, twoPersonRestore } = parseBody(setOrgPolicyRequestSchema, request.body);
      const options = reason === undefined ? {} : { reason };
      const policy = { twoPersonRestore };
      const outcome = await services.store.setOrgPolicy(visitor.caller, policy, options);
      const { org, changed, version } = visitor.accepted(outcome);
      const fields = { request_id: request.id, orgId: org.id, twoPersonRestore };
      services.logger.warn(fields, "org policy set");
      return answer(reply, { status: "ok", handler, ...answerOrgState(org), changed, version });
    },
  };
}
