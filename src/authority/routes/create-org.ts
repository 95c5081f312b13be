import { createOrgRequestSchema, HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticateAdmin } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { createKey } from "../keys.ts";
import { createOrgRecord } from "../plan.ts";
import type { Services } from "../services.ts";

/** Makes an org. Its owner key is in the answer, and nowhere else. */
export function createOrgRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.createOrg;
  return {
    ...ROUTES.createOrg,
    access: "admin",
    async handle(request, reply) {
      const visitor = authenticateAdmin(request, services);
      const { caller } = visitor;
      const options = parseBody(createOrgRequestSchema, request.body ?? {});
      const org = createOrgRecord(options, caller.at);
      const { key, record } = createKey("owner", org.id, caller.at);
      visitor.accepted(await services.store.createOrg(caller, org, record));
      services.logger.info({ request_id: request.id, orgId: org.id }, "org created");
      return answer(reply, { status: "ok", orgApiKey: key, handler, orgId: org.id });
    },
  };
}
