import { EVENT_TYPES, LAST_EVENT_ID_HEADER, REQUEST_ID_HEADER, ROUTES } from "../../wire/index.ts";
import type { EventType } from "../../wire/index.ts";
import { parseCursor } from "../events/cursor.ts";
import { Failure } from "../failure.ts";
import { takeOver } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

const TYPE = "text/event-stream";

/** The org's changes and decisions, as they happen. For those who may read its audit. */
export function eventsRoute(services: Services): AuthorityRoute {
  const { store, events, logger } = services;
  return {
    ...ROUTES.events,
    access: "audit:read",
    async handle(request, reply) {
      const { id, headers, query } = request;
      const visitor = authenticate(request, services);
      const { caller } = visitor;
      const type = readType(query);
      const lastEventId = headers[LAST_EVENT_ID_HEADER];
      const after = typeof lastEventId === "string" ? parseCursor(lastEventId) : undefined;
      const { orgId } = visitor.accepted(await store.openAudit(caller));
      reply.header("cache-control", "no-store").header(REQUEST_ID_HEADER, id).type(TYPE);
      if (request.method === "HEAD") return reply.send();
      events.admit(orgId);
      // A proxy that collects an answer before it passes it on would pass on nothing.
      reply.header("x-accel-buffering", "no");
      const response = takeOver(reply);
      logger.info({ request_id: id, orgId }, "event stream opened");
      try {
        const why = await events.serve({
          orgId,
          after,
          type,
          response,
          isAllowed: async () => {
            const asked = await store.openAudit({ ...caller, at: services.now() });
            return asked.kind === "audit";
          },
        });
        if (why === "cut_off") services.metrics.eventStreamsCutOff += 1;
        logger.info({ request_id: id, orgId, why }, "event stream ended");
      } catch (error) {
        // Its reader comes again, and is then told what is wrong.
        logger.warn({ request_id: id, orgId, err: error }, "event stream failed");
        response.destroy();
      }
      return reply;
    },
  };
}

function readType(query: unknown): EventType | undefined {
  const { type } = query as { readonly type?: unknown };
  if (type === undefined) return undefined;
  const known = EVENT_TYPES.find((name) => name === type);
  if (known !== undefined) return known;
  throw new Failure("REQUEST_MALFORMED", `type: must be one of ${EVENT_TYPES.join(", ")}`);
}
