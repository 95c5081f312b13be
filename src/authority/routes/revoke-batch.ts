import { HANDLERS, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { answerBatch, parseBatch } from "./batch.ts";
import { unconflicted } from "./restoring.ts";
import { checkWaiting, settleStop } from "./waiting.ts";

/** Revokes devices as one change: all of them, or none. Unknown ids are named and left out. */
export function revokeBatchRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.revokeBatch;
  return {
    ...ROUTES.revokeBatch,
    access: "devices:revoke",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const batch = parseBatch(request.body);
      checkWaiting(services, batch.waiting);
      const { selection, options } = batch;
      const outcome = await services.store.setRevoked(visitor.caller, selection, true, options);
      const changed = unconflicted(visitor.accepted(outcome));
      const { results, version, orgId } = changed;
      const deviceIds = results.filter(({ found }) => found).map(({ deviceId }) => deviceId);
      const stopped = { version, orgId, deviceIds };
      // What would be changed is not stopped.
      const stop =
        options.dryRun === true ? {} : await settleStop(services, stopped, batch.waiting);
      return answer(reply, { status: "ok", handler, ...answerBatch(batch, changed), ...stop });
    },
  };
}
