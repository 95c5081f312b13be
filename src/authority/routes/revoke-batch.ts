import { batchRequestSchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate, knownOrgKey } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/** Revokes devices as one change: all of them, or none. Unknown ids are named and left out. */
export function revokeBatchRoute(services: Services): AuthorityRoute {
  const { handler } = ROUTES.revokeBatch;
  return {
    ...ROUTES.revokeBatch,
    async handle(request, reply) {
      const caller = authenticate(request, services);
      const { deviceIds } = parseBody(batchRequestSchema, request.body);
      const outcome = await services.store.setRevoked(caller, deviceIds, true);
      const { results, version } = knownOrgKey(outcome);
      return answer(reply, {
        status: "ok",
        handler,
        results: results.map(({ deviceId, found, changed }) => ({
          deviceId,
          status: found ? "ok" : "not_found",
          changed,
        })),
        version,
      });
    },
  };
}
