import { HANDLERS, revokeRequestSchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";
import { unconflicted } from "./restoring.ts";
import { checkWaiting, settleStop } from "./waiting.ts";

/** Revokes a device: from now on it is denied. */
export function revokeRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.revoke;
  return {
    ...ROUTES.revoke,
    access: "devices:revoke",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const parsed = parseBody(revokeRequestSchema, request.body);
      const { deviceId, reason } = parsed;
      checkWaiting(services, parsed);
      const options = reason === undefined ? {} : { reason };
      const outcome = await services.store.setRevoked(visitor.caller, [deviceId], true, options);
      const { results, version, orgId } = unconflicted(visitor.accepted(outcome));
      const [result] = results;
      if (result?.found !== true) throw new Failure("DEVICE_NOT_FOUND");
      const stop = await settleStop(services, { version, orgId, deviceIds: [deviceId] }, parsed);
      const { changed } = result;
      return answer(reply, { status: "ok", handler, deviceId, changed, version, ...stop });
    },
  };
}
