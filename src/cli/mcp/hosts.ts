import type { IncomingHttpHeaders } from "node:http";
import { isIPv6 } from "node:net";
import { UsageError } from "../exit-code.ts";
import { RpcFailure } from "./rpc-failure.ts";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const ANY_ADDRESS = new Set(["0.0.0.0", "[::]"]);

/** Checks from where a request comes. @throws {@link RpcFailure} 403 */
export type HostCheck = (headers: IncomingHttpHeaders) => void;

/**
 * Makes the check against DNS rebinding: a page whose name was made to point at
 * this machine sends that name as `Host`, and as `Origin`. Callers may use the
 * loopback names, the address that is listened on, and the names given here.
 *
 * @throws {@link UsageError} for what is no host name
 */
export function createHostCheck(listenHost: string, names: readonly string[]): HostCheck {
  const allowed = new Set([...LOOPBACK, ...[listenHost, ...names].map(hostName)]);
  for (const any of ANY_ADDRESS) allowed.delete(any);
  const isAllowed = (url: string, scheme: RegExp): boolean => {
    const parsed = URL.parse(url);
    return parsed !== null && scheme.test(parsed.protocol) && allowed.has(parsed.hostname);
  };
  return ({ host, origin }) => {
    if (host === undefined || !isAllowed(`http://${host}`, /^http:$/)) {
      throw new RpcFailure(403, "This server is not called by that Host; see --allow-host");
    }
    if (origin !== undefined && !isAllowed(origin, /^https?:$/)) {
      throw new RpcFailure(403, "Pages of that Origin may not call this server; see --allow-host");
    }
  };
}

/** A host name as URLs have it; addresses of version 6 in brackets. */
function hostName(name: string): string {
  const isBareV6 = isIPv6(name);
  const hostname = URL.parse(`http://${isBareV6 ? `[${name}]` : name}`)?.hostname;
  const isWhole = isBareV6 || hostname === name.toLowerCase();
  if (hostname !== undefined && isWhole) return hostname;
  throw new UsageError(`${JSON.stringify(name)} is no host name. Give it without scheme and port`);
}
