import { ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate, knownOrgKey } from "../http/authenticate.ts";
import { parseDeviceId } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";

/** Revokes a device: from now on it is denied. */
export function revokeRoute(services: Services): AuthorityRoute {
  const { handler } = ROUTES.revoke;
  return {
    ...ROUTES.revoke,
    async handle(request, reply) {
      const caller = authenticate(request, services);
      const deviceId = parseDeviceId(request.body);
      const outcome = await services.store.setRevoked(caller, [deviceId], true);
      const { results, version } = knownOrgKey(outcome);
      const [result] = results;
      if (result?.found !== true) throw new Failure("DEVICE_NOT_FOUND");
      return answer(reply, { status: "ok", handler, deviceId, changed: result.changed, version });
    },
  };
}
