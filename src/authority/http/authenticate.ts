import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import { ADMIN_KEY_HEADER, ORG_KEY_HEADER } from "../../wire/index.ts";
import type { ForbiddenReason } from "../authorize.ts";
import { Failure } from "../failure.ts";
import { hashSentKey } from "../keys.ts";
import type { Services } from "../services.ts";
import type { Caller, Refused } from "../store/caller.ts";

/** What a request is known by. */
export type Asking = Pick<FastifyRequest, "id" | "headers" | "socket">;

const FORBIDDEN_MESSAGES: { readonly [Reason in ForbiddenReason]: string } = {
  role: "The role of the key does not include this.",
  device_pattern: "The key is for other devices.",
  device_owner: "The device is registered under an owner that the key does not belong to.",
  two_person:
    "Restores need two keys here, so a revoked device cannot be removed; it would be forgotten that it was revoked.",
};

const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join() : value;
};

/** Someone with a key that has the form of one. Whether it is known, the store says when it acts. */
export class Visitor {
  readonly caller: Caller;
  readonly #asking: Asking;
  readonly #services: Services;
  readonly #keyCode: "ORG_KEY_INVALID" | "ADMIN_KEY_INVALID";

  constructor(
    asking: Asking,
    services: Services,
    keyHash: string,
    keyCode: "ORG_KEY_INVALID" | "ADMIN_KEY_INVALID",
  ) {
    this.caller = { keyHash, requestId: asking.id, at: services.now() };
    this.#asking = asking;
    this.#services = services;
    this.#keyCode = keyCode;
  }

  /**
   * What the store answered to someone who may ask.
   *
   * @throws Failure ORG_KEY_INVALID, ADMIN_KEY_INVALID or FORBIDDEN
   */
  accepted<Outcome extends { readonly kind: string }>(
    outcome: Outcome | Refused,
  ): Exclude<Outcome, Refused> {
    const { gatekeeper } = this.#services;
    const { keyHash } = this.caller;
    if (outcome.kind === "unknown_key") {
      gatekeeper.reject(this.#asking, keyHash);
      throw new Failure(this.#keyCode);
    }
    if (isForbidden(outcome)) {
      gatekeeper.forbid(keyHash);
      throw new Failure("FORBIDDEN", FORBIDDEN_MESSAGES[outcome.reason]);
    }
    gatekeeper.accept(keyHash, "orgId" in outcome ? String(outcome.orgId) : undefined);
    return outcome as Exclude<Outcome, Refused>;
  }
}

const isForbidden = (outcome: {
  readonly kind: string;
}): outcome is Extract<Refused, { kind: "forbidden" }> => outcome.kind === "forbidden";

/**
 * Reads the org key of a request.
 *
 * @throws Failure ORG_KEY_MISSING, ORG_KEY_INVALID or TOO_MANY_REQUESTS
 */
export function authenticate(asking: Asking, services: Services): Visitor {
  const key = header(asking.headers, ORG_KEY_HEADER) ?? "";
  const keyHash = enter(asking, services, key);
  if (keyHash !== undefined) return new Visitor(asking, services, keyHash, "ORG_KEY_INVALID");
  throw new Failure(key === "" ? "ORG_KEY_MISSING" : "ORG_KEY_INVALID");
}

/**
 * Reads the administrator's key of a request.
 *
 * @throws Failure ADMIN_KEY_INVALID or TOO_MANY_REQUESTS
 */
export function authenticateAdmin(asking: Asking, services: Services): Visitor {
  const key = header(asking.headers, ADMIN_KEY_HEADER) ?? "";
  const keyHash = enter(asking, services, key);
  if (keyHash !== undefined) return new Visitor(asking, services, keyHash, "ADMIN_KEY_INVALID");
  throw new Failure("ADMIN_KEY_INVALID");
}

/** The hash of a key, or undefined when it has not the form of one. */
function enter(asking: Asking, { gatekeeper }: Services, key: string): string | undefined {
  const keyHash = hashSentKey(key);
  gatekeeper.enter(asking, keyHash);
  if (keyHash === undefined) gatekeeper.reject(asking, undefined);
  return keyHash;
}
