import { changeDeviceRequestSchema, HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";
import { unconflicted } from "./restoring.ts";

/** Revokes a device: from now on it is denied. */
export function revokeRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.revoke;
  return {
    ...ROUTES.revoke,
    access: "devices:revoke",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { deviceId, reason } = parseBody(changeDeviceRequestSchema, request.body);
      const options = reason === undefined ? {} : { reason };
      const outcome = await services.store.setRevoked(visitor.caller, [deviceId], true, options);
      const { results, version } = unconflicted(visitor.accepted(outcome));
      const [result] = results;
      if (result?.found !== true) throw new Failure("DEVICE_NOT_FOUND");
      return answer(reply, { status: "ok", handler, deviceId, changed: result.changed, version });
    },
  };
}
