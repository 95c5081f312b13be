import { HANDLERS, readSessionsQuerySchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseQuery } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

const NO_SESSIONS = { sessions: 0, devices: [], next: null, isComplete: true } as const;

/** Which devices of the org have processes with a lease channel, and how many. */
export function readSessionsRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.readSessions;
  return {
    ...ROUTES.readSessions,
    access: "sessions:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { cursor: after = "" } = parseQuery(readSessionsQuerySchema, request.query);
      const { orgId } = visitor.accepted(await services.store.openOrg(visitor.caller, "sessions"));
      const page = (await services.leases?.enquiries.sessionsOf({ orgId, after })) ?? NO_SESSIONS;
      const { sessions, devices, next: cursor, isComplete: complete } = page;
      return answer(reply, { status: "ok", handler, sessions, devices, complete, cursor });
    },
  };
}
