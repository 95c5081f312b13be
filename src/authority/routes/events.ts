import { EVENT_TYPES, LAST_EVENT_ID_HEADER, REQUEST_ID_HEADER, ROUTES } from "../../wire/index.ts";
import type { EventType } from "../../wire/index.ts";
import { parseCursor } from "../events/cursor.ts";
import { Failure } from "../failure.ts";
import { takeOver } from "../http/answer.ts";
import { authenticate, knownOrgKey } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

const TYPE = "text/event-stream";

/** The org's changes and decisions, as they happen. */
export function eventsRoute(services: Services): AuthorityRoute {
  const { store, events, logger } = services;
  return {
    ...ROUTES.events,
    async handle(request, reply) {
      const { id, headers, query } = request;
      const caller = authenticate(request, services);
      const type = readType(query);
      const lastEventId = headers[LAST_EVENT_ID_HEADER];
      const after = typeof lastEventId === "string" ? parseCursor(lastEventId) : undefined;
      const { org } = knownOrgKey(await store.usage(caller));
      reply.header("cache-control", "no-store").header(REQUEST_ID_HEADER, id).type(TYPE);
      if (request.method === "HEAD") return reply.send();
      try {
        events.admit(org.id);
      } catch (error) {
        void reply.header("retry-after", "10");
        throw error;
      }
      // A proxy that collects an answer before it passes it on would pass on nothing.
      reply.header("x-accel-buffering", "no");
      const response = takeOver(reply);
      logger.info({ request_id: id, orgId: org.id }, "event stream opened");
      try {
        const why = await events.serve({
          orgId: org.id,
          after,
          type,
          response,
          isAllowed: async () => {
            const asked = await store.usage({ ...caller, at: services.now() });
            return asked.kind !== "unknown_key";
          },
        });
        if (why === "cut_off") services.metrics.eventStreamsCutOff += 1;
        logger.info({ request_id: id, orgId: org.id, why }, "event stream ended");
      } catch (error) {
        // Its reader comes again, and is then told what is wrong.
        logger.warn({ request_id: id, orgId: org.id, err: error }, "event stream failed");
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
