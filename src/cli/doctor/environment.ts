import { checkBaseUrl, InvalidArgumentError } from "../../client/index.ts";
import { KEY_PREFIXES, KEY_ROLES } from "../../wire/index.ts";
import type { Endpoint } from "../connection.ts";
import { findLocalAuthority, isLoopback } from "../local-authority.ts";
import { ok, problem, warning } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** What can be said before anything is sent. */

const MINIMUM_NODE = [22, 16] as const;

export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [minimumMajor, minimumMinor] = MINIMUM_NODE;
  const isNew = major > minimumMajor || (major === minimumMajor && minor >= minimumMinor);
  if (isNew) return ok("node", `Node ${version}`);
  return problem(
    "node",
    `Node ${version} is too old`,
    `Install Node ${MINIMUM_NODE.join(".")} or newer`,
  );
}

/** Roles by the prefixes of their keys. */
const ROLES = new Map<string, string>(KEY_ROLES.map((role) => [KEY_PREFIXES[role], role]));

/** The role that a key's prefix names. */
export const roleOf = (key: string): string | undefined => ROLES.get(key.slice(0, 4));

/** Looks at a key's form. The key itself is never shown. */
export function examineKey(key: string | undefined, source: string): Finding {
  if (key === undefined) {
    return problem(
      "key",
      "no org key is set",
      "Set MACHINEID_ORG_KEY, or name a file that holds the key with --key-file FILE",
    );
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    return problem(
      "key",
      `the key from ${source} has characters that no key has`,
      "Copy it again, without quotes, spaces or line breaks",
    );
  }
  if (key.startsWith("adm_")) {
    return problem(
      "key",
      `the key from ${source} is the administrator's`,
      "Set an org key, org_…; the administrator's belongs into MACHINEID_ADMIN_KEY",
    );
  }
  const role = roleOf(key);
  if (role !== undefined) return ok("key", `an ${role} key, from ${source}`);
  return warning(
    "key",
    `the key from ${source} does not begin as keys do`,
    "Check that it was copied whole; keys begin with org_, opr_, agt_ or viw_",
  );
}

/** Looks at where requests would go. */
export function examineAddress({ baseUrl, source }: Endpoint, allowInsecureHttp: boolean): Finding {
  try {
    checkBaseUrl(baseUrl, allowInsecureHttp);
  } catch (error) {
    if (!InvalidArgumentError.isInstance(error)) throw error;
    const isInsecure = error.code === "BASE_URL_INSECURE";
    return isInsecure
      ? problem(
          "address",
          `${baseUrl}, from ${source}: the key would travel in clear text`,
          "Use https; or, in a network you trust, add --allow-insecure-http",
        )
      : // A URL that cannot be used may hold a password, so it is not repeated.
        problem("address", `from ${source}: ${error.message}`, "Set MACHINEID_BASE_URL");
  }
  const url = new URL(baseUrl);
  const message = `${baseUrl}, from ${source}`;
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return warning("address", `${message}; the key travels in clear text`, "Use https");
  }
  const local = source === "the default" ? findLocalAuthority() : undefined;
  if (local === undefined) return ok("address", message);
  return warning(
    "address",
    `${message}, while an authority runs here at ${local.url}`,
    `If you mean that one: export MACHINEID_BASE_URL=${local.url}`,
  );
}
