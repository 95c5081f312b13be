import { ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate, knownOrgKey } from "../http/authenticate.ts";
import { parseDeviceId } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";

/** Restores a revoked device. It is never refused for the cap: the device had its place. */
export function unrevokeRoute(services: Services): AuthorityRoute {
  const { handler } = ROUTES.unrevoke;
  return {
    ...ROUTES.unrevoke,
    async handle(request, reply) {
      const caller = authenticate(request, services);
      const deviceId = parseDeviceId(request.body);
      const outcome = await services.store.setRevoked(caller, [deviceId], false);
      const { results, version } = knownOrgKey(outcome);
      const [result] = results;
      if (result?.found !== true) throw new Failure("DEVICE_NOT_FOUND");
      return answer(reply, { status: "ok", handler, deviceId, changed: result.changed, version });
    },
  };
}
