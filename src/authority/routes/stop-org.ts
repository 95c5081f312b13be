import { HANDLERS, ROUTES, stopOrgRequestSchema } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerOrgState } from "./answer-org.ts";
import { checkWaiting, settleStop } from "./waiting.ts";

/** Stops a whole org: every device of it is denied, new registrations too. */
export function stopOrgRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.stopOrg;
  return {
    ...ROUTES.stopOrg,
    access: "org:stop",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const parsed = parseBody(stopOrgRequestSchema, request.body ?? {});
      const { reason } = parsed;
      checkWaiting(services, parsed);
      const options = reason === undefined ? {} : { reason };
      const outcome = visitor.accepted(await services.store.stopOrg(visitor.caller, options));
      const { org, changed, version } = outcome;
      services.logger.warn({ request_id: request.id, orgId: org.id, changed }, "org stopped");
      const stopped = { version, orgId: org.id, deviceIds: undefined };
      const stop = await settleStop(services, stopped, parsed);
      const state = answerOrgState(org);
      return answer(reply, { status: "ok", handler, ...state, changed, version, ...stop });
    },
  };
}
