import { sendJson } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";

/** What this API is, for programs. Needs no key. */
export function openapiRoute(): AuthorityRoute {
  return {
    method: "GET",
    path: "/openapi.json",
    async handle(_request, reply) {
      const { openapiJson } = await import("../openapi/document.ts");
      return sendJson(reply, 200, openapiJson());
    },
  };
}
