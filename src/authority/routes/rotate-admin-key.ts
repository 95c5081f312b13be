import { HANDLERS, rotateAdminKeyRequestSchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticateAdmin } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { createSecret } from "../keys.ts";
import { isoInstant } from "../plan.ts";
import type { Services } from "../services.ts";
import { changedKey } from "./answer-key.ts";

/** For how long the old key works on, in milliseconds, when nothing is said: an hour. */
const DEFAULT_OVERLAP_MS = 60 * 60 * 1000;

/** Makes another administrator's key. It is in the answer, and nowhere else. */
export function rotateAdminKeyRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.rotateAdminKey;
  return {
    ...ROUTES.rotateAdminKey,
    access: "admin",
    async handle(request, reply) {
      const visitor = authenticateAdmin(request, services);
      const { caller } = visitor;
      const { overlap_ms: overlapMs = DEFAULT_OVERLAP_MS, reason } = parseBody(
        rotateAdminKeyRequestSchema,
        request.body ?? {},
      );
      const { key: secret, secret: stored } = createSecret("admin", caller.at);
      const outcome = await services.store.rotateAdminKey(caller, stored, {
        overlapMs,
        ...(reason === undefined ? {} : { reason }),
      });
      const { key, oldExpiresAt, version } = changedKey(visitor.accepted(outcome));
      const { id: keyId } = key;
      services.logger.info({ request_id: request.id, keyId }, "administrator's key rotated");
      const until = isoInstant(oldExpiresAt);
      return answer(reply, { status: "ok", handler, secret, keyId, oldExpiresAt: until, version });
    },
  };
}
