import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { FailureCode } from "../../wire/index.ts";
import { FAILURES } from "../failure.ts";
import type { Services } from "../services.ts";
import { endWithFailure } from "./raw-failure.ts";

const CODES = new Map<string | undefined, FailureCode>([
  ["HPE_HEADER_OVERFLOW", "HEADERS_TOO_LARGE"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "REQUEST_TIMEOUT"],
]);

/**
 * Answers what is no HTTP request, or never became a whole one: in the failure
 * shape too, straight on the socket, which is closed.
 */
export function clientErrorHandler({ logger, metrics }: Pick<Services, "logger" | "metrics">) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const code = CODES.get(error.code) ?? "REQUEST_MALFORMED";
    const { httpStatus, message } = FAILURES[code];
    const requestId = randomUUID();
    metrics.failures[code] += 1;
    logger.info({ request_id: requestId, code }, "request refused");
    endWithFailure(socket, { httpStatus, code, message }, requestId);
  };
}
