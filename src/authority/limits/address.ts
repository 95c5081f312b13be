import type { IncomingHttpHeaders } from "node:http";
import { isIP, isIPv6 } from "node:net";

/** What the address of a request is found out by. */
export interface Connected {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

const MAPPED = /^::ffff:(?=\d+\.)/i;

/**
 * The address that a request came from, as limits count it: an IPv4 address, or
 * the network of an IPv6 address (/64), since whoever has one of those has them all.
 *
 * @param proxies how many proxies stand in front, each of which adds the address it was called from to
 *   the end of `X-Forwarded-For`. What stands before that, anyone may have written.
 */
export function addressOf({ headers, socket }: Connected, proxies: number): string {
  const direct = socket.remoteAddress ?? "";
  const forwarded = proxies === 0 ? undefined : headers["x-forwarded-for"];
  if (forwarded === undefined) return networkOf(direct);
  const named = [forwarded].flat().join().split(",");
  const address = (named.at(-proxies) ?? named[0] ?? "").trim();
  return networkOf(isIP(address) === 0 ? direct : address);
}

function networkOf(given: string): string {
  const address = given.replace(MAPPED, "");
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
