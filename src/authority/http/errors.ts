import type { FastifyReply, FastifyRequest } from "fastify";
import { Failure } from "../failure.ts";
import type { Services } from "../services.ts";
import { StoreUnavailableError } from "../store/errors.ts";
import { answerFailure } from "./answer.ts";

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof StoreUnavailableError) return new Failure("STORE_UNAVAILABLE");
  const { statusCode } = error as { statusCode?: unknown };
  if (statusCode === 413) return new Failure("BODY_TOO_LARGE");
  if (statusCode === 415) return new Failure("UNSUPPORTED_MEDIA_TYPE");
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new Failure("REQUEST_MALFORMED");
  }
  return new Failure("INTERNAL_ERROR");
}

/** Logs what went wrong with a request, and answers what its caller may know of it. */
export function reportFailure(
  { logger, metrics }: Pick<Services, "logger" | "metrics">,
  error: unknown,
  requestId: string,
): Failure {
  const failure = failureOf(error);
  const { code, httpStatus } = failure;
  metrics.failures[code] += 1;
  if (httpStatus >= 500)
    logger.error({ request_id: requestId, code, err: error }, "request failed");
  else logger.info({ request_id: requestId, code }, "request refused");
  return failure;
}

/** Answers every error in the failure shape. */
export function errorHandler(services: Services) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    void answerFailure(reply, reportFailure(services, error, request.id));
  };
}

/** Answers a path that is not there with 404, and a method that is not with 405 and `Allow`. */
export function notFoundHandler(
  services: Services,
  methodsOf: (path: string) => string | undefined,
) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const [path = ""] = request.url.split("?", 1);
    const methods = methodsOf(path);
    const refuse = (code: "ROUTE_NOT_FOUND" | "METHOD_NOT_ALLOWED"): void => {
      void answerFailure(reply, reportFailure(services, new Failure(code), request.id));
    };
    if (methods === undefined) {
      refuse("ROUTE_NOT_FOUND");
      return;
    }
    reply.header("allow", methods);
    if (request.method === "OPTIONS") void reply.code(204).send();
    else refuse("METHOD_NOT_ALLOWED");
  };
}
