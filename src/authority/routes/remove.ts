import { ROUTES } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { answer } from "../http/answer.ts";
import { authenticate, knownOrgKey } from "../http/authenticate.ts";
import { parseDeviceId } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/** Forgets a device. It is denied from now on, until it is registered again. */
export function removeRoute(services: Services): AuthorityRoute {
  const { handler } = ROUTES.remove;
  return {
    ...ROUTES.remove,
    async handle(request, reply) {
      const caller = authenticate(request, services);
      const deviceId = parseDeviceId(request.body);
      const removed = knownOrgKey(await services.store.remove(caller, deviceId));
      if (removed.kind === "not_found") throw new Failure("DEVICE_NOT_FOUND");
      const { version } = removed;
      return answer(reply, { status: "ok", handler, deviceId, changed: true, version });
    },
  };
}
