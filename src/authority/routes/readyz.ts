import { Failure } from "../failure.ts";
import { answer } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/** The store takes writes, so that decisions can be made, and it will go on so; else 503. */
export function readyzRoute({ store, lifecycle }: Services): AuthorityRoute {
  return {
    method: "GET",
    path: "/readyz",
    access: "anyone",
    async handle(_request, reply) {
      if (lifecycle.isDraining) throw new Failure("SHUTTING_DOWN");
      await store.ready();
      return answer(reply, { status: "ok" });
    },
  };
}
