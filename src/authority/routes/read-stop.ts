import { HANDLERS, readStopQuerySchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseQuery } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { Failure } from "../failure.ts";
import { holderPage } from "../leases/holder-answers.ts";
import type { Services } from "../services.ts";
import { progressOf } from "./waiting.ts";

/** How far a stop has come, with everybody whom it concerns. */
export function readStopRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.readStop;
  return {
    ...ROUTES.readStop,
    access: "stops:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { orgId } = visitor.accepted(await services.store.openOrg(visitor.caller, "stops"));
      const { version } = request.params as { readonly version: string };
      const { leases } = services;
      const record = /^\d{1,15}$/.test(version)
        ? await leases?.findStop(Number(version), orgId)
        : undefined;
      if (leases === undefined || record === undefined) throw new Failure("STOP_NOT_FOUND");
      const { cursor = 0 } = parseQuery(readStopQuerySchema, request.query);
      const all = await leases.enquiries.holdersOf(record.version);
      const { holders, next } = holderPage(all, cursor);
      const stop = progressOf(services, record);
      const place = next === null ? null : String(next);
      return answer(reply, { status: "ok", handler, stop, holders, cursor: place });
    },
  };
}
