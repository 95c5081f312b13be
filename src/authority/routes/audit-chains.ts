import { HANDLERS, ROUTES, SIGNATURE_TYPES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";

/** Where the org's audit chains end, signed. For those who may read the audit. */
export function auditChainsRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.auditChains;
  return {
    ...ROUTES.auditChains,
    access: "audit:read",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { caller } = visitor;
      const opened = visitor.accepted(await services.store.openAudit(caller));
      const { orgId: org } = opened;
      const ends = opened.chains.map(({ writer, cut, seq, head }) => ({
        chain: writer,
        cut,
        seq,
        head,
      }));
      const iat = Math.floor(caller.at / 1000);
      const claims = { org, chains: ends, iat };
      const statement = await services.signer.sign(SIGNATURE_TYPES.statement, claims);
      const chains = ends.map((end, index) => ({
        ...end,
        checkpoint: opened.chains[index]?.checkpoint ?? null,
      }));
      return answer(reply, { status: "ok", handler, org, chains, statement });
    },
  };
}
