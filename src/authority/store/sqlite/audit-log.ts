import type { DatabaseSync } from "node:sqlite";
import { auditEntry, digest, genesis } from "../audit-entry.ts";
import type { AuditEvent } from "../audit-entry.ts";
import type { AuditChain, AuditRow } from "../store.ts";
import { auditFromRow, chainFromRow } from "../rows.ts";

/** Entries that a chain has room for: an entry's row id is its chain's id, then its own number. */
const CHAIN_SIZE = 2n ** 40n;

type OpenChain = { -readonly [Field in keyof AuditChain]: AuditChain[Field] };

const rowId = (chainId: number, seq: number): bigint => BigInt(chainId) * CHAIN_SIZE + BigInt(seq);

/** Appends to the audit chains of one writer, within the transaction of the group. */
export class AuditLog {
  readonly #writer: string;
  readonly #chains = new Map<string, OpenChain>();
  readonly #grown = new Set<OpenChain>();
  readonly #statements;

  constructor(database: DatabaseSync, writer: string) {
    this.#writer = writer;
    this.#statements = {
      insert: database.prepare("INSERT INTO audit VALUES (?, ?)"),
      open: database.prepare(
        "INSERT INTO audit_chains (org_id, writer, seq, head) VALUES (?, ?, 0, ?) RETURNING *",
      ),
      grow: database.prepare("UPDATE audit_chains SET seq = ?, head = ? WHERE id = ?"),
      mine: database.prepare("SELECT * FROM audit_chains WHERE writer = ?"),
      all: database.prepare("SELECT * FROM audit_chains ORDER BY id"),
      rows: database.prepare(
        `SELECT id % ${CHAIN_SIZE} AS seq, entry FROM audit WHERE id > ? AND id < ? ORDER BY id LIMIT ?`,
      ),
    };
    for (const row of this.#statements.mine.all(writer)) {
      const chain = chainFromRow(row);
      this.#chains.set(chain.orgId, chain);
    }
  }

  /** Adds an entry to an org's chain. */
  append(orgId: string, event: AuditEvent): void {
    const chain = this.#chains.get(orgId) ?? this.#open(orgId);
    const seq = chain.seq + 1;
    const entry = auditEntry(seq, chain.head, event);
    this.#statements.insert.run(rowId(chain.id, seq), entry);
    chain.seq = seq;
    chain.head = digest(entry);
    this.#grown.add(chain);
  }

  /** Writes where the chains end now. */
  finish(): void {
    for (const { seq, head, id } of this.#grown) this.#statements.grow.run(seq, head, id);
    this.#grown.clear();
  }

  /** The ends of all chains, of every writer. */
  chains(): AuditChain[] {
    this.finish();
    return this.#statements.all.all().map(chainFromRow);
  }

  rows(chainId: number, afterSeq: number, limit: number): AuditRow[] {
    return this.#statements.rows
      .all(rowId(chainId, afterSeq), rowId(chainId + 1, 0), limit)
      .map(auditFromRow);
  }

  #open(orgId: string): OpenChain {
    const head = genesis(orgId, this.#writer);
    const chain = chainFromRow(this.#statements.open.get(orgId, this.#writer, head));
    this.#chains.set(orgId, chain);
    return chain;
  }
}
