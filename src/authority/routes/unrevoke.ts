import { HANDLERS, ROUTES, unrevokeRequestSchema } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";
import { pendingStatus, restoreOptions, unconflicted } from "./restoring.ts";

/** Restores a revoked device. It is never refused for the cap: the device had its place. */
export function unrevokeRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.unrevoke;
  return {
    ...ROUTES.unrevoke,
    access: "devices:unrevoke",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { deviceId, ...rest } = parseBody(unrevokeRequestSchema, request.body);
      const options = restoreOptions(rest);
      const outcome = await services.store.setRevoked(visitor.caller, [deviceId], false, options);
      const { results, version } = unconflicted(visitor.accepted(outcome));
      const [result] = results;
      if (result?.found !== true) throw new Failure("DEVICE_NOT_FOUND");
      const { changed, pending } = result;
      const { httpStatus, status } = pendingStatus(pending);
      return answer(reply, { status, handler, deviceId, changed, version }, httpStatus);
    },
  };
}
