import type { DatabaseSync } from "node:sqlite";
import { auditEntry, digest, genesis, NO_ORG } from "../audit-entry.ts";
import type { AuditEvent } from "../audit-entry.ts";
import type { AuditChain, AuditCut, AuditRow } from "../audit-store.ts";
import { auditFromRow, chainFromRow } from "./rows.ts";

/** Entries that a chain has room for: an entry's row id is its chain's id, then its own number. */
const CHAIN_SIZE = 2n ** 40n;

/** A chain of this writer's, as far as appending to it needs to know it. */
type OpenChain = { -readonly [Field in "id" | "seq" | "head"]: AuditChain[Field] };

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
      cut: database.prepare(
        "UPDATE audit_chains SET cut = ?, checkpoint = ? WHERE id = ? AND cut <= ? AND seq >= ? RETURNING id",
      ),
      remove: database.prepare("DELETE FROM audit WHERE id > ? AND id <= ?"),
      grow: database.prepare("UPDATE audit_chains SET seq = ?, head = ? WHERE id = ?"),
      mine: database.prepare("SELECT * FROM audit_chains WHERE writer = ?"),
      all: database.prepare("SELECT * FROM audit_chains ORDER BY id"),
      ofOrg: database.prepare("SELECT * FROM audit_chains WHERE org_id = ? ORDER BY id"),
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
    const chain = this.#chains.get(orgId) ?? this.#open(orgId, event);
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

  /** All chains of every writer, or those of one org. */
  chains(orgId?: string): AuditChain[] {
    this.finish();
    const { all, ofOrg } = this.#statements;
    return (orgId === undefined ? all.all() : ofOrg.all(orgId)).map(chainFromRow);
  }

  /** Puts a checkpoint in the place of a chain's oldest entries. */
  cut({ chainId, seq, checkpoint }: AuditCut): void {
    this.finish();
    const done = this.#statements.cut.get(seq, checkpoint, chainId, seq, seq);
    if (done !== undefined) this.#statements.remove.run(rowId(chainId, 0), rowId(chainId, seq));
  }

  rows(chainId: number, afterSeq: number, limit: number): AuditRow[] {
    return this.#statements.rows
      .all(rowId(chainId, afterSeq), rowId(chainId + 1, 0), limit)
      .map(auditFromRow);
  }

  /** Begins a chain; that it was begun stands in another, so that it cannot vanish unnoticed. */
  #open(orgId: string, { at, by, requestId, version }: AuditEvent): OpenChain {
    if (orgId !== NO_ORG) {
      const detail = { org: orgId };
      this.append(NO_ORG, { at, by, operation: "chain_open", requestId, version, detail });
    }
    const head = genesis(orgId, this.#writer);
    const chain = chainFromRow(this.#statements.open.get(orgId, this.#writer, head));
    this.#chains.set(orgId, chain);
    return chain;
  }
}
