import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import { ADMIN_KEY_HEADER, ORG_KEY_HEADER } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { hashSentKey } from "../keys.ts";
import type { Services } from "../services.ts";
import type { Caller, UnknownKey } from "../store/store.ts";

/** What a request is known by. */
export type Asking = Pick<FastifyRequest, "id" | "headers">;

const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join() : value;
};

/**
 * Reads the org key of a request. Whether it is known, the store says in the
 * same step in which it is used; see {@link knownOrgKey}.
 *
 * @throws Failure ORG_KEY_MISSING or ORG_KEY_INVALID
 */
export function authenticate({ id, headers }: Asking, { now }: Services): Caller {
  const key = header(headers, ORG_KEY_HEADER);
  if (key === undefined || key === "") throw new Failure("ORG_KEY_MISSING");
  const keyHash = hashSentKey(key);
  if (keyHash === undefined) throw new Failure("ORG_KEY_INVALID");
  return { keyHash, requestId: id, at: now() };
}

/**
 * Reads the administrator's key of a request; see {@link knownAdminKey}.
 *
 * @throws Failure ADMIN_KEY_INVALID
 */
export function authenticateAdmin({ id, headers }: Asking, { now }: Services): Caller {
  const key = header(headers, ADMIN_KEY_HEADER);
  const keyHash = key === undefined ? undefined : hashSentKey(key);
  if (keyHash === undefined) throw new Failure("ADMIN_KEY_INVALID");
  return { keyHash, requestId: id, at: now() };
}

/** @throws Failure ORG_KEY_INVALID when the store did not know the key */
export function knownOrgKey<Outcome extends { readonly kind: string }>(
  outcome: Outcome | UnknownKey,
): Exclude<Outcome, UnknownKey> {
  if (outcome.kind === "unknown_key") throw new Failure("ORG_KEY_INVALID");
  return outcome as Exclude<Outcome, UnknownKey>;
}

/** @throws Failure ADMIN_KEY_INVALID when the store did not know the key */
export function knownAdminKey<Outcome extends { readonly kind: string }>(
  outcome: Outcome | UnknownKey,
): Exclude<Outcome, UnknownKey> {
  if (outcome.kind === "unknown_key") throw new Failure("ADMIN_KEY_INVALID");
  return outcome as Exclude<Outcome, UnknownKey>;
}
