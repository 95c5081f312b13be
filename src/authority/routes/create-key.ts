import { createKeyRequestSchema, HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { createSecret, keyRecord } from "../keys.ts";
import type { Services } from "../services.ts";
import { answerKey, changedKey, readExpiry } from "./answer-key.ts";

/** Makes a key of a role. It is in the answer, and nowhere else. */
export function createKeyRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.createKey;
  return {
    ...ROUTES.createKey,
    access: "keys:write",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { at } = visitor.caller;
      const { role, expiresAt, reason, ...terms } = parseBody(createKeyRequestSchema, request.body);
      const { key: secret, secret: stored } = createSecret(role, at);
      const draft = keyRecord(stored, {
        role,
        orgId: null,
        name: terms.name ?? null,
        devicePattern: terms.devicePattern ?? null,
        deviceOwner: terms.deviceOwner ?? null,
        expiresAt: expiresAt === undefined ? null : readExpiry(expiresAt, at),
      });
      const options = reason === undefined ? {} : { reason };
      const outcome = await services.store.createKey(visitor.caller, draft, options);
      const { key, version } = changedKey(visitor.accepted(outcome));
      services.logger.info({ request_id: request.id, keyId: key.id, role }, "key created");
      return answer(reply, { status: "ok", handler, secret, key: answerKey(key), version });
    },
  };
}
