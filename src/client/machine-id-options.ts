import type { AuthorityKey } from "./authority-key.ts";
import type { Fetch } from "./fetch-transport.ts";
import type { Transport } from "./transport.ts";

/** Where the hosted service answers. */
export const DEFAULT_BASE_URL = "https://machineid.io";
/** Deadline of one plain client call, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** How a client is made. */
export interface MachineIDOptions {
  /**
   * A key of the org: `org_…` for everything, `opr_…` to stop and restore,
   * `agt_…` for an agent, `viw_…` to look. Trimmed. It is never shown by this object.
   */
  readonly orgKey: string;
  /** @default "https://machineid.io" */
  readonly baseUrl?: string | undefined;
  /** Deadline of each call in milliseconds: connect, request and the whole answer. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /**
   * The authority's public key: a JWK, its JWK set, or PEM. With it every decision
   * is asked for with a receipt, and one whose receipt is missing or does not
   * verify is none: `RECEIPT_INVALID`. It is read with the first decision. The hosted service signs no decisions.
   */
  readonly authorityKey?: AuthorityKey | undefined;
  /** Used instead of the runtime's own transport. */
  readonly fetch?: Fetch | undefined;
  /** Used instead of `fetch` and of the runtime's own transport. */
  readonly transport?: Transport | undefined;
  /** Let the key travel over plain http to a host that is not loopback. @default false */
  readonly allowInsecureHttp?: boolean | undefined;
}

/** What the environment says, where the options say nothing. */
export function optionsFromEnv(options: Omit<MachineIDOptions, "orgKey">): MachineIDOptions {
  const env = globalThis.process?.env ?? {};
  const baseUrl = options.baseUrl ?? (env["MACHINEID_BASE_URL"]?.trim() || undefined);
  const authorityKey =
    options.authorityKey ?? (env["MACHINEID_AUTHORITY_KEY"]?.trim() || undefined);
  return { ...options, orgKey: env["MACHINEID_ORG_KEY"] ?? "", baseUrl, authorityKey };
}
