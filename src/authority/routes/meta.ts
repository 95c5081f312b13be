import { ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { AUTHORITY_VERSION } from "../version.ts";

/** What this authority is, and which extensions it has. Needs no key. */
export function metaRoute({ store }: Services): AuthorityRoute {
  const features = ["events", ...(store.backup === undefined ? [] : ["backup"])];
  return {
    ...ROUTES.meta,
    handle: (_request, reply) =>
      answer(reply, { name: "machineid-authority", version: AUTHORITY_VERSION, features }),
  };
}
