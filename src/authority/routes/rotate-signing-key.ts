import { HANDLERS, rotateSigningKeyRequestSchema, ROUTES } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { answer } from "../http/answer.ts";
import { authenticateAdmin } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { isoInstant } from "../plan.ts";
import type { Services } from "../services.ts";
import { createSigningKey } from "../signing/signing-key.ts";

const DEFAULT_OVERLAP_HOURS = 24;
const HOUR_MS = 3_600_000;

/** Replaces the signing key: announced now, it signs after the overlap. */
export function rotateSigningKeyRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.rotateSigningKey;
  const { store, signer, retention, logger } = services;
  return {
    ...ROUTES.rotateSigningKey,
    access: "admin",
    async handle(request, reply) {
      const visitor = authenticateAdmin(request, services);
      const { caller } = visitor;
      const { overlap_hours: hours = DEFAULT_OVERLAP_HOURS } = parseBody(
        rotateSigningKeyRequestSchema,
        request.body ?? {},
      );
      const overlapMs = Math.round(hours * HOUR_MS);
      const key = await createSigningKey(caller.at);
      const { kid } = key;
      const outcome = await store.rotateSigningKey(caller, key, overlapMs);
      if (visitor.accepted(outcome).kind === "conflict") {
        throw new Failure(
          "CONFLICT",
          "Another signing key is announced and does not sign yet. Wait for it, or use an overlap of 0.",
        );
      }
      signer.forgetKeys();
      // Checkpoints that a key signed which is published no more verify no more.
      retention.sweepSoon();
      logger.info({ request_id: request.id, kid, overlapMs }, "signing key rotated");
      return answer(reply, {
        status: "ok",
        handler,
        kid,
        signsFrom: isoInstant(caller.at + overlapMs),
        publishedUntil: isoInstant(caller.at + 2 * overlapMs),
      });
    },
  };
}
