import { ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { publishedKeys } from "../signing/rotation.ts";
import { publicJwk } from "../signing/signing-key.ts";

/** The public keys that verify what this authority signs. Needs no key. */
export function jwksRoute({ signer, gatekeeper, now }: Services): AuthorityRoute {
  return {
    ...ROUTES.jwks,
    access: "anyone",
    async handle(request, reply) {
      gatekeeper.enter(request, undefined);
      const keys = publishedKeys(await signer.keys(), now());
      return answer(reply, { keys: keys.map(publicJwk) });
    },
  };
}
