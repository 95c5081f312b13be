import type { AuditAnswer, AuditChainsAnswer } from "../wire/index.ts";
import type { Answered, Ask, AuditOptions, CallOptions } from "./call.ts";
import { pagesOf } from "./pages.ts";
import type { Pages } from "./pages.ts";

/** What was done and decided in the org. Self-hosted authorities with the feature `audit` have it. */
export class OrgAudit {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** A page of entries. */
  read(options: AuditOptions = {}): Answered<AuditAnswer> {
    const { cursor, limit, order, deviceId, code, since, chain, ...call } = options;
    const query = { cursor, limit, order, deviceId, code, chain, since: since?.toISOString() };
    return this.#ask("audit", query, call);
  }

  /** {@link OrgAudit.read}, page after page, up to the last or the first that is a failure. */
  pages({ cursor: first, ...options }: AuditOptions = {}): Pages<AuditAnswer> {
    return pagesOf((cursor) => this.read({ ...options, cursor }), first);
  }

  /** Where the chains of entries end, signed by the authority. */
  chains(options?: CallOptions): Answered<AuditChainsAnswer> {
    return this.#ask("auditChains", undefined, options);
  }
}
