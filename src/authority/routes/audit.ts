import { auditQuerySchema, HANDLERS, ROUTES } from "../../wire/index.ts";
import { cursorAtEnd, readPage } from "../audit/read-page.ts";
import { readCursor } from "../audit/cursor.ts";
import { Failure } from "../failure.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseQuery } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

const DEFAULT_LIMIT = 100;

/** A page of the org's audit. For those who may read it: owner, operator and viewer. */
export function auditRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.audit;
  return {
    ...ROUTES.audit,
    access: "audit:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { caller } = visitor;
      const query = parseQuery(auditQuerySchema, request.query);
      const { cursor: text, order = "asc", limit = DEFAULT_LIMIT, since, chain } = query;
      const { deviceId, code } = query;
      const cursor = text === undefined ? undefined : readCursor(text);
      if (text !== undefined && cursor === undefined) {
        throw new Failure("REQUEST_MALFORMED", "cursor: is no cursor of this authority");
      }
      const opened = visitor.accepted(await services.store.openAudit(caller));
      const chains = opened.chains.filter(({ writer }) => chain === undefined || writer === chain);
      const page = await readPage(services.store, chains, {
        deviceId,
        code,
        limit,
        order: cursor?.order ?? order,
        cursor,
        since: since === undefined ? undefined : Date.parse(since),
      });
      const isNewest = cursor === undefined && order === "desc";
      const newer = isNewest ? { newer: cursorAtEnd(chains) } : {};
      return answer(reply, { status: "ok", handler, ...page, ...newer });
    },
  };
}
