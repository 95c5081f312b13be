/** How long one call may take. */
export interface CallOptions {
  /** Aborts the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Overrides the client's deadline for this call, in milliseconds. `Infinity`
   * leaves the deadline to `signal`, which is then required.
   */
  readonly timeoutMs?: number | undefined;
}

/** {@link CallOptions}, and what goes into the URL. */
export interface RequestOptions extends CallOptions {
  /** Query of the URL; what is undefined is left out. A key never goes there. */
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
}

/** Which audit entries to read; see `docs/audit.md`. */
export interface AuditOptions extends CallOptions {
  /** Where the page before ended; it keeps that page's order. */
  readonly cursor?: string | undefined;
  /** Most entries in the answer: 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** `asc`: oldest first. @default "asc" */
  readonly order?: "asc" | "desc" | undefined;
  readonly deviceId?: string | undefined;
  readonly code?: string | undefined;
  /** Entries from this instant on. */
  readonly since?: Date | undefined;
  /** Entries of this chain alone. */
  readonly chain?: string | undefined;
}

/** The query of a URL, with its question mark; empty when there is none. */
export function queryOf(query: RequestOptions["query"] = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] satisfies [string, string]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
