import { auditEntry, chainOpened, digest, genesis, NO_ORG } from "../audit-entry.ts";
import { chainFromRow } from "../rows.ts";
import type { AuditEvent } from "../audit-entry.ts";
import type { AuditChain } from "../audit-store.ts";
import type { Connection } from "./connection.ts";
import type { PendingEntry } from "./group-ledger.ts";
import { LOCK_CLASS, LOCKS } from "./prepare.ts";

/** Entries that are ready to be written, and where their chains then end. */
export interface ComposedEntries {
  readonly chainIds: readonly number[];
  readonly seqs: readonly number[];
  readonly lines: readonly string[];
  readonly ends: readonly AuditChain[];
}

const MOST_WRITERS = 1_000;

/* Rows are locked in their order until one is free, and no further. */
const CLAIM = {
  name: "machineid_claim_writer",
  text: `
    SELECT s.installation || '-' || n AS writer
    FROM machineid.state s, generate_series(0, ${MOST_WRITERS - 1}) AS n
    WHERE pg_try_advisory_lock(${LOCK_CLASS}, ${LOCKS.writers} + n)
    LIMIT 1`,
};

const OPEN = {
  name: "machineid_open_chains",
  text: `
    INSERT INTO machineid.audit_chains AS chain (org_id, writer, seq, head)
    SELECT org_id, $1, 0, head FROM unnest($2::text[], $3::text[]) AS opened (org_id, head)
    ON CONFLICT (org_id, writer) DO UPDATE SET seq = chain.seq
    RETURNING *`,
};

/**
 * The ends of one writer's audit chains. A replica becomes one of the store's
 * writers by a lock that its connection holds: the name is free again once the
 * connection is gone, with all that was under way on it. So no two write one
 * chain, and there are no more writers than replicas that ran at once.
 */
export class AuditChains {
  readonly #writer: string;
  readonly #ends = new Map<string, AuditChain>();

  private constructor(writer: string) {
    this.#writer = writer;
  }

  /** Becomes a writer, on a connection that is to write all of the chains. */
  static async claim(connection: Connection, timeoutMs: number): Promise<AuditChains> {
    const [row] = await connection.query<{ writer: string }>(CLAIM, [], timeoutMs);
    if (row === undefined) throw new Error(`the store has ${MOST_WRITERS} replicas already`);
    return new AuditChains(row.writer);
  }

  /**
   * Learns where the chains of these orgs end, and that of no org, in which each
   * is said to be begun; begins those that are not there.
   */
  async load(connection: Connection, orgIds: Iterable<string>, timeoutMs: number): Promise<void> {
    const missing = [...new Set([NO_ORG, ...orgIds])].filter((orgId) => !this.#ends.has(orgId));
    if (missing.length === 0) return;
    const heads = missing.map((orgId) => genesis(orgId, this.#writer));
    const rows = await connection.query(OPEN, [this.#writer, missing, heads], timeoutMs);
    for (const row of rows) {
      const chain = chainFromRow(row);
      this.#ends.set(chain.orgId, chain);
    }
  }

  /** Where the chain of an org ends, which was loaded. */
  end(orgId: string): AuditChain {
    const end = this.#ends.get(orgId);
    if (end === undefined) throw new Error(`the chain of ${JSON.stringify(orgId)} was not loaded`);
    return end;
  }

  /** Gives entries their places. They have them for good once {@link AuditChains.grown} is told. */
  compose(entries: readonly PendingEntry[]): ComposedEntries {
    const ends = new Map<string, AuditChain>();
    const chainIds: number[] = [];
    const seqs: number[] = [];
    const lines: string[] = [];
    const add = (orgId: string, event: AuditEvent): void => {
      const end = ends.get(orgId) ?? this.end(orgId);
      if (end.seq === 0 && orgId !== NO_ORG) add(NO_ORG, chainOpened(orgId, event));
      const seq = end.seq + 1;
      const line = auditEntry(seq, end.head, event);
      chainIds.push(end.id);
      seqs.push(seq);
      lines.push(line);
      ends.set(orgId, { ...end, seq, head: digest(line) });
    };
    for (const { orgId, event } of entries) add(orgId, event);
    return { chainIds, seqs, lines, ends: [...ends.values()] };
  }

  /** The entries were committed. */
  grown({ ends }: ComposedEntries): void {
    for (const end of ends) this.#ends.set(end.orgId, end);
  }

  /** Forgets where the chains end, so that they are looked up again. */
  forget(): void {
    this.#ends.clear();
  }
}
