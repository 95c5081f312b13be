import { REQUEST_ID_HEADER } from "../../wire/index.ts";
import { authenticateAdmin } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/**
 * What the authority counted, in Prometheus' text format. It tells of all orgs
 * together, so it is the administrator's; a port of its own tells it without a key.
 */
export function metricsRoute(services: Services): AuthorityRoute {
  return {
    method: "GET",
    path: "/metrics",
    access: "admin",
    async handle(request, reply) {
      const visitor = authenticateAdmin(request, services);
      visitor.accepted(await services.store.authenticateAdmin(visitor.caller));
      const { contentType, text } = await services.scrape();
      return reply
        .header("content-type", contentType)
        .header("cache-control", "no-store")
        .header(REQUEST_ID_HEADER, request.id)
        .send(text);
    },
  };
}
