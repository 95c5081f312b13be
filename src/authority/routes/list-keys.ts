import { HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerKey } from "./answer-key.ts";

/** The org's keys, by what they begin and end with. */
export function listKeysRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.listKeys;
  return {
    ...ROUTES.listKeys,
    access: "keys:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { keys } = visitor.accepted(await services.store.listKeys(visitor.caller));
      return answer(reply, { status: "ok", handler, keys: keys.map(answerKey) });
    },
  };
}
