import { HANDLERS, revokeKeyRequestSchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerKey, changedKey } from "./answer-key.ts";

/** Ends a key for good: it is not known from now on. */
export function revokeKeyRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.revokeKey;
  return {
    ...ROUTES.revokeKey,
    access: "keys:write",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { keyId, reason } = parseBody(revokeKeyRequestSchema, request.body);
      const options = reason === undefined ? {} : { reason };
      const outcome = await services.store.revokeKey(visitor.caller, keyId, options);
      const { key, changed, version } = changedKey(visitor.accepted(outcome));
      services.logger.info({ request_id: request.id, keyId }, "key revoked");
      return answer(reply, { status: "ok", handler, key: answerKey(key), changed, version });
    },
  };
}
