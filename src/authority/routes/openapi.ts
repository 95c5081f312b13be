import { sendJson } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/** What this API is, for programs. Needs no key. */
export function openapiRoute({ gatekeeper }: Services): AuthorityRoute {
  return {
    method: "GET",
    path: "/openapi.json",
    access: "anyone",
    async handle(request, reply) {
      gatekeeper.enter(request, undefined);
      const { openapiJson } = await import("../openapi/document.ts");
      return sendJson(reply, 200, openapiJson());
    },
  };
}
