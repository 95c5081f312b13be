import type { FastifyReply, FastifyRequest } from "fastify";
import type { Route } from "../../wire/index.ts";

/** One operation: where it is, and what it does: authenticate, parse, act, answer. */
export interface AuthorityRoute extends Pick<Route, "method" | "path"> {
  /** @throws Failure when the request is not decided */
  readonly handle: (
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<FastifyReply> | FastifyReply;
}
