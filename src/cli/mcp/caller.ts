import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { ORG_KEY_HEADER } from "../../wire/index.ts";
import { RpcFailure } from "./rpc-failure.ts";

/** Who sent a request. */
export interface Caller {
  readonly orgKey: string;
  /** Tells callers apart, without being the key. */
  readonly fingerprint: string;
}

const BEARER = /^Bearer +(\S+)$/i;

/**
 * Reads the key that comes with a request: `x-org-key`, or `Authorization: Bearer`,
 * which more clients can set.
 *
 * @throws {@link RpcFailure} 401 without a key, 400 for two that differ
 */
export function readCaller(headers: IncomingHttpHeaders): Caller {
  const named = headers[ORG_KEY_HEADER]?.toString().trim() || undefined;
  const bearer = BEARER.exec(headers.authorization?.trim() ?? "")?.[1];
  if (named !== undefined && bearer !== undefined && named !== bearer) {
    throw new RpcFailure(400, `${ORG_KEY_HEADER} and Authorization hold different keys. Send one`);
  }
  const orgKey = named ?? bearer;
  if (orgKey === undefined) throw unauthorized("This request has no key");
  return { orgKey, fingerprint: createHash("sha256").update(orgKey).digest("base64") };
}

/** A refusal for want of a key that counts. */
export const unauthorized = (problem: string): RpcFailure =>
  new RpcFailure(
    401,
    `${problem}. Send your org key with each request, as ${ORG_KEY_HEADER} or as Authorization: Bearer`,
    { headers: { "www-authenticate": 'Bearer realm="machineid"' } },
  );
