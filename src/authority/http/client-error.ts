import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { REQUEST_ID_HEADER } from "../../wire/index.ts";
import type { FailureCode } from "../../wire/index.ts";
import { FAILURES, failureJson } from "../failure.ts";
import type { Services } from "../services.ts";

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
    const body = failureJson(code, message, requestId);
    socket.end(
      [
        `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus]}`,
        "content-type: application/json; charset=utf-8",
        `content-length: ${Buffer.byteLength(body)}`,
        `${REQUEST_ID_HEADER}: ${requestId}`,
        "cache-control: no-store",
        "connection: close",
        "",
        body,
      ].join("\r\n"),
      () => socket.destroy(),
    );
  };
}
