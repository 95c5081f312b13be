import type { FastifyReply, FastifyRequest } from "fastify";
import type { Route } from "../../wire/index.ts";
import type { Access } from "../authorize.ts";

/** One operation: where it is, and what it does: authenticate, parse, act, answer. */
export interface AuthorityRoute extends Pick<Route, "method" | "path"> {
  /** Who may call it. The store decides by the same table, in the step in which it acts. */
  readonly access: Access;
  /** @throws Failure when the request is not decided */
  readonly handle: (
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<FastifyReply> | FastifyReply;
}
