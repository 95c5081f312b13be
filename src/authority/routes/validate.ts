import { HANDLERS, ROUTES } from "../../wire/index.ts";
import type { Decision } from "../decide.ts";
import { sendJson } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import type { Asking } from "../http/authenticate.ts";
import { parseValidate } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { termOf } from "../leases/reader.ts";
import type { Services } from "../services.ts";
import { signReceipt } from "../signing/receipt.ts";

/** May this device begin work now? Answers 200 either way. */
export function validateRoute(services: Services): AuthorityRoute {
  return {
    ...ROUTES.validate,
    access: "devices:validate",
    async handle(request, reply) {
      return sendJson(reply, 200, await answerValidate(services, request, request.body));
    },
  };
}

/** Decides, and answers the decision as JSON once it is in the audit. */
export function answerValidate(services: Services, asking: Asking, body: unknown): Promise<string> {
  const { store, logger, metrics, leases, auditsAllow, gatekeeper } = services;
  const visitor = authenticate(asking, services);
  gatekeeper.enterValidation(visitor.caller.keyHash);
  const { deviceId, nonce } = parseValidate(body);
  const { caller } = visitor;
  return store.validate(caller, deviceId, auditsAllow()).then((outcome) => {
    const validated = visitor.accepted(outcome);
    const { decision, version } = validated;
    // The last thing before it is written: a stop that is known by now makes it void.
    const termMs =
      leases === undefined
        ? termOf(services.validMs, validated.endsAt, caller.at)
        : leases.takeStrict(validated, deviceId, caller.at);
    if (termMs === undefined) return answerValidate(services, asking, body);
    metrics.decisions[decision.code] += 1;
    const fields = { request_id: asking.id, code: decision.code, deviceId };
    if (decision.allowed) logger.debug(fields, "allowed");
    else logger.info(fields, "denied");
    const id = JSON.stringify(deviceId);
    const answer = `${fixedPart(decision)}"deviceId":${id},"version":${version},"valid_ms":${termMs},"request_id":"${asking.id}"`;
    if (nonce === undefined) return `${answer}}`;
    return signReceipt(services, caller, validated, { deviceId, nonce, termMs }).then(
      (receipt) => `${answer},"receipt":"${receipt}"}`,
    );
  });
}

const fixedParts = new Map<Decision, string>();

/** The part of the answer that is the same for every device, without its closing brace. */
function fixedPart(decision: Decision): string {
  const known = fixedParts.get(decision);
  if (known !== undefined) return known;
  const { allowed, code, status, reason } = decision;
  const handler = HANDLERS.validate;
  const json = JSON.stringify({ allowed, code, status, reason, handler });
  const part = `${json.slice(0, -1)},`;
  fixedParts.set(decision, part);
  return part;
}
