import { answer } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";

/** The process answers. */
export function healthzRoute(): AuthorityRoute {
  return {
    method: "GET",
    path: "/healthz",
    access: "anyone",
    handle: (_request, reply) => answer(reply, { status: "ok" }),
  };
}
