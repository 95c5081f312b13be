import { ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { AUTHORITY_VERSION } from "../version.ts";

/** What this authority is, and which extensions it has. Needs no key. */
export function metaRoute(): AuthorityRoute {
  return {
    ...ROUTES.meta,
    handle: (_request, reply) =>
      answer(reply, {
        name: "machineid-authority",
        version: AUTHORITY_VERSION,
        features: ["audit", "receipts"],
      }),
  };
}
