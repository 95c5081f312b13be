import { HANDLERS, rotateKeyRequestSchema, ROUTES } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { createSecret } from "../keys.ts";
import type { Services } from "../services.ts";
import { answerKey, changedKey, readExpiry } from "./answer-key.ts";

/** For how long a rotated key works on, in milliseconds, when nothing is said: an hour. */
const DEFAULT_OVERLAP_MS = 60 * 60 * 1000;

/** Makes a key like another, which works on for a while. The new one is in the answer, and nowhere else. */
export function rotateKeyRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.rotateKey;
  return {
    ...ROUTES.rotateKey,
    access: "keys:write",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { caller } = visitor;
      const body = parseBody(rotateKeyRequestSchema, request.body);
      const { keyId, overlap_ms: overlapMs = DEFAULT_OVERLAP_MS, expiresAt, reason } = body;
      // What a key begins with is its role's, which never changes.
      const { keys } = visitor.accepted(await services.store.listKeys(caller));
      const old = keys.find(({ id }) => id === keyId);
      if (old === undefined) throw new Failure("KEY_NOT_FOUND");
      const { key: secret, secret: stored } = createSecret(old.role, caller.at);
      const outcome = await services.store.rotateKey(caller, keyId, stored, {
        overlapMs,
        expiresAt: expiresAt === undefined ? undefined : readExpiry(expiresAt, caller.at),
        ...(reason === undefined ? {} : { reason }),
      });
      const { key, version } = changedKey(visitor.accepted(outcome));
      services.logger.info({ request_id: request.id, keyId, newKeyId: key.id }, "key rotated");
      return answer(reply, { status: "ok", handler, secret, key: answerKey(key), version });
    },
  };
}
