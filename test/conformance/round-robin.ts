import { request as send } from "node:http";
import { startHttpServer } from "../support/http-server.ts";
import type { TestServer } from "../support/http-server.ts";

/** A load balancer: each request goes to the next of the targets, whatever connection it came on. */
export interface RoundRobin extends TestServer {
  /** Requests that each target was given, in the order of the targets. */
  readonly given: readonly number[];
}

/** @param targets addresses of plain http */
export async function startRoundRobin(targets: readonly string[]): Promise<RoundRobin> {
  const given = targets.map(() => 0);
  let next = 0;
  const server = await startHttpServer((request, response) => {
    const place = next;
    next = (next + 1) % targets.length;
    given[place] = (given[place] ?? 0) + 1;
    const { connection: _connection, ...headers } = request.headers;
    const { method, url = "" } = request;
    const onward = send(`${targets[place]}${url}`, { method, headers });
    onward.on("error", () => response.destroy());
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.on("error", () => response.destroy()).pipe(response);
    });
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  return { ...server, given };
}
