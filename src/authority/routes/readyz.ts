import { answer } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/** The store takes writes, so that decisions can be made; else 503. */
export function readyzRoute({ store }: Services): AuthorityRoute {
  return {
    method: "GET",
    path: "/readyz",
    access: "anyone",
    async handle(_request, reply) {
      await store.ready();
      return answer(reply, { status: "ok" });
    },
  };
}
