import { changeDeviceRequestSchema, HANDLERS, ROUTES } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/** Forgets a device. It is denied from now on, until it is registered again. */
export function removeRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.remove;
  return {
    ...ROUTES.remove,
    access: "devices:remove",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { deviceId, reason } = parseBody(changeDeviceRequestSchema, request.body);
      const options = reason === undefined ? {} : { reason };
      const outcome = await services.store.remove(visitor.caller, deviceId, options);
      const removed = visitor.accepted(outcome);
      if (removed.kind === "not_found") throw new Failure("DEVICE_NOT_FOUND");
      const { version } = removed;
      return answer(reply, { status: "ok", handler, deviceId, changed: true, version });
    },
  };
}
