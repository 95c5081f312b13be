import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { REQUEST_ID_HEADER } from "../../wire/index.ts";
import { failureJson } from "../failure.ts";
import type { Failure } from "../failure.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** Sends an answer, with its `request_id`. */
export function answer(reply: FastifyReply, fields: object, httpStatus = 200): FastifyReply {
  return sendJson(reply, httpStatus, JSON.stringify({ ...fields, request_id: reply.request.id }));
}

/** Sends the failure shape. */
export function answerFailure(reply: FastifyReply, failure: Failure): FastifyReply {
  if (failure.retryAfter !== undefined) reply.header("retry-after", failure.retryAfter);
  return sendJson(
    reply,
    failure.httpStatus,
    failureJson(failure.code, failure.message, reply.request.id),
  );
}

/** Takes an answer out of the router's hands, begun with the headers that it has. */
export function takeOver(reply: FastifyReply): ServerResponse {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = value;
  }
  reply.hijack();
  return reply.raw.writeHead(200, headers);
}

/** Writes JSON to a response that Fastify has not seen. */
export function writeJson(
  response: ServerResponse,
  httpStatus: number,
  json: string,
  requestId: string,
  retryAfter?: string,
): void {
  const length = Buffer.byteLength(json);
  const headers = [
    "content-type",
    JSON_TYPE,
    "content-length",
    String(length),
    "cache-control",
    "no-store",
    REQUEST_ID_HEADER,
    requestId,
  ];
  if (retryAfter !== undefined) headers.push("retry-after", retryAfter);
  response.writeHead(httpStatus, headers);
  // Plain ASCII is the same in both, and Latin-1 takes no transcoding.
  response.end(json, length === json.length ? "latin1" : "utf8");
}

/** Sends JSON that is ready. */
export function sendJson(reply: FastifyReply, httpStatus: number, json: string): FastifyReply {
  return reply
    .code(httpStatus)
    .header("content-type", JSON_TYPE)
    .header("cache-control", "no-store")
    .header(REQUEST_ID_HEADER, reply.request.id)
    .send(json);
}
