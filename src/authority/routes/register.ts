import { HANDLERS, registerRequestSchema, ROUTES } from "../../wire/index.ts";
import { answer } from "../http/answer.ts";
import { authenticate } from "../http/authenticate.ts";
import { parseBody } from "../http/parse.ts";
import type { AuthorityRoute } from "../http/route.ts";
import { answerPlan } from "../plan.ts";
import type { Services } from "../services.ts";

/** Registers a device, once. Answers 403 when the org's stop, revocation, plan or cap forbids it. */
export function registerRoute(services: Services): AuthorityRoute {
  const handler = HANDLERS.register;
  return {
    ...ROUTES.register,
    access: "devices:register",
    async handle(request, reply) {
      const visitor = authenticate(request, services);
      const { caller } = visitor;
      const { deviceId, owner } = parseBody(registerRequestSchema, request.body);
      const options = owner === undefined ? {} : { owner };
      const registered = visitor.accepted(await services.store.register(caller, deviceId, options));
      const { registration } = registered;
      services.metrics.registrations[registration.outcome] += 1;
      const plan = answerPlan(registered, caller.at);
      if (registration.outcome === "blocked") {
        const { code } = registration;
        services.logger.info({ request_id: request.id, code, deviceId }, "registration blocked");
        const error = code.toLowerCase();
        const blocked = { status: "blocked", error, code, allowed: false, handler, deviceId };
        return answer(reply, { ...blocked, ...plan }, 403);
      }
      const status = registration.outcome === "created" ? "ok" : "exists";
      return answer(reply, { status, handler, deviceId, ...plan });
    },
  };
}
