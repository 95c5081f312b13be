import type { FastifyInstance } from "fastify";
import { LAST_EVENT_ID_HEADER, ORG_KEY_HEADER, REQUEST_ID_HEADER } from "../../wire/index.ts";

/** How long a browser may remember what it was allowed, in seconds. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets browsers call from pages of these origins. Nothing is allowed to any
 * other page, and to none the administrator's key.
 */
export function allowOrigins(server: FastifyInstance, origins: readonly string[]): void {
  const allowed = new Set(origins);
  void server.register(import("@fastify/cors"), {
    origin: (origin, answer) => {
      answer(null, origin !== undefined && allowed.has(origin) ? origin : false);
    },
    methods: ["GET", "POST"],
    allowedHeaders: ["content-type", ORG_KEY_HEADER, LAST_EVENT_ID_HEADER],
    exposedHeaders: [REQUEST_ID_HEADER, "retry-after"],
    maxAge: MAX_AGE_SECONDS,
    strictPreflight: false,
  });
}
