import { HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerBatch, parseBatch } from "./batch.ts";
import { unconflicted } from "./restoring.ts";

/** Revokes devices as one change: all of them, or none. Unknown ids are named and left out. */
export function revokeBatchRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.revokeBatch;
  return {
    ...ROUTES.revokeBatch,
    access: "devices:revoke",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const batch = parseBatch(request.body);
      const { selection, options } = batch;
      const outcome = await services.store.setRevoked(visitor.caller, selection, true, options);
      const changed = unconflicted(visitor.accepted(outcome));
      return answer(reply, { status: "ok", handler, ...answerBatch(batch, changed) });
    },
  };
}
