import { auditEntry, chainOpened, digest, genesis, NO_ORG } from "../audit-entry.ts";
import { rowsOf } from "../audit-lines.ts";
import type { AuditEvent } from "../audit-entry.ts";
import type { AuditChain } from "../audit-store.ts";
import { chainFromRow } from "../rows.ts";
import { ROW_SIZE } from "./audit-rows.ts";
import type { Connection } from "./connection.ts";
import type { PendingEntry } from "./group-ledger.ts";
import { LOCK_CLASS, LOCKS } from "./prepare.ts";

/** Rows of entries that are ready to be written, and where their chains then end. */
export interface ComposedEntries {
  readonly rows: readonly ComposedRow[];
  readonly ends: readonly AuditChain[];
}

interface ComposedRow {
  readonly chainId: number;
  readonly seq: number;
  readonly entry: string;
}

/** A chain while entries are added to it. */
interface Growing {
  readonly chain: AuditChain;
  seq: number;
  head: string;
  readonly entries: string[];
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
    const growing = new Map<string, Growing>();
    const add = (orgId: string, event: AuditEvent): void => {
      let end = growing.get(orgId);
      if (end === undefined) {
        const chain = this.end(orgId);
        if (chain.seq === 0 && orgId !== NO_ORG) add(NO_ORG, chainOpened(orgId, event));
        end = { chain, seq: chain.seq, head: chain.head, entries: [] };
        growing.set(orgId, end);
      }
      end.seq += 1;
      const entry = auditEntry(end.seq, end.head, event);
      end.entries.push(entry);
      end.head = digest(entry);
    };
    for (const { orgId, event } of entries) add(orgId, event);
    const grown = [...growing.values()];
    return {
      rows: grown.flatMap(({ chain: { id: chainId }, seq, entries: added }) =>
        rowsOf(seq, added, ROW_SIZE).map((row) => ({ chainId, ...row })),
      ),
      ends: grown.map(({ chain, seq, head }) => ({ ...chain, seq, head })),
    };
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
