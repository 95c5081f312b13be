import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { REQUEST_ID_HEADER } from "../../wire/index.ts";
import { failureJson } from "../failure.ts";
import type { Failure } from "../failure.ts";

/** Answers in the failure shape, straight on a socket that nobody else answers on, and closes it. */
export function endWithFailure(
  socket: Duplex,
  failure: Pick<Failure, "httpStatus" | "code" | "message"> & Partial<Pick<Failure, "retryAfter">>,
  requestId: string,
): void {
  const { httpStatus, code, message, retryAfter } = failure;
  const body = failureJson(code, message, requestId);
  socket.end(
    [
      `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus]}`,
      "content-type: application/json; charset=utf-8",
      `content-length: ${Buffer.byteLength(body)}`,
      `${REQUEST_ID_HEADER}: ${requestId}`,
      ...(retryAfter === undefined ? [] : [`retry-after: ${retryAfter}`]),
      "cache-control: no-store",
      "connection: close",
      "",
      body,
    ].join("\r\n"),
    () => socket.destroy(),
  );
}
