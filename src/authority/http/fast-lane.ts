import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { MAX_REQUEST_BYTES, ROUTES } from "../../wire/index.ts";
import { failureJson } from "../failure.ts";
import { answerValidate } from "../routes/validate.ts";
import type { Services } from "../services.ts";
import { writeJson } from "./answer.ts";
import { reportFailure } from "./errors.ts";
import { parseJson } from "./parse.ts";

const { method, path } = ROUTES.validate;

/**
 * Answers plain `validate` requests without the router, which costs as much as
 * deciding them. It does what the route does, by the same functions; whatever is
 * not plain goes to the router.
 */
export function fastLane(
  services: Services,
  server: Pick<Server, "listening">,
  router: RequestListener,
): RequestListener {
  return (request, response) => {
    // While closing, the router tells clients to close their connections.
    if (server.listening && isPlainValidate(request)) {
      const since = performance.now();
      readBody(request, (body) => validate(services, request, response, body, since));
    } else router(request, response);
  };
}

function isPlainValidate({ url, method: asked, headers }: IncomingMessage): boolean {
  return (
    url === path &&
    asked === method &&
    // What a browser may read of the answer, the router knows.
    headers.origin === undefined &&
    headers["content-type"] === "application/json" &&
    // Node has checked that a length is a number, and that no more than it comes.
    Number(headers["content-length"] ?? Number.NaN) <= MAX_REQUEST_BYTES
  );
}

function readBody(request: IncomingMessage, use: (body: Buffer) => void): void {
  let chunks: Buffer[] | undefined;
  let first: Buffer | undefined;
  request.on("data", (chunk: Buffer) => {
    if (first === undefined) first = chunk;
    else (chunks ??= [first]).push(chunk);
  });
  request.on("end", () => {
    use(chunks === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(chunks));
  });
}

function validate(
  services: Services,
  { headers, socket }: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  since: number,
): void {
  const id = randomUUID();
  const fail = (error: unknown): void => {
    const failure = reportFailure(services, error, id);
    const { httpStatus, code, message, retryAfter } = failure;
    writeJson(response, httpStatus, failureJson(code, message, id), id, retryAfter);
    services.metrics.answered(method, path, httpStatus, (performance.now() - since) / 1000);
  };
  const decide = (json: string): void => {
    writeJson(response, 200, json, id);
    services.metrics.answeredDecision((performance.now() - since) / 1000);
  };
  try {
    answerValidate(services, { id, headers, socket }, parseJson(body)).then(decide, fail);
  } catch (error) {
    fail(error);
  }
}
