import type { DatabaseSync } from "node:sqlite";
import { auditEntry, chainOpened, digest, genesis, NO_ORG } from "../audit-entry.ts";
import type { AuditEvent } from "../audit-entry.ts";
import type { AuditChain, AuditCut, AuditRow } from "../audit-store.ts";
import type { AuditLedger } from "../ledger.ts";
import { AuditRows } from "./audit-rows.ts";
import { chainFromRow } from "../rows.ts";

/** A chain of this writer's, as far as appending to it needs to know it. */
interface OpenChain {
  readonly id: number;
  seq: number;
  head: string;
  /** Entries of the group that is under way. */
  pending: string[];
}

/** Appends to the audit chains of one writer, within the transaction of the group. */
export class AuditLog implements AuditLedger {
  readonly #writer: string;
  readonly #rows: AuditRows;
  readonly #chains = new Map<string, OpenChain>();
  readonly #grown = new Set<OpenChain>();
  readonly #statements;
  #appended = 0;

  constructor(database: DatabaseSync, writer: string) {
    this.#writer = writer;
    this.#rows = new AuditRows(database);
    this.#statements = {
      open: database.prepare(
        "INSERT INTO audit_chains (org_id, writer, seq, head) VALUES (?, ?, 0, ?) RETURNING *",
      ),
      cut: database.prepare(
        "UPDATE audit_chains SET cut = ?, checkpoint = ? WHERE id = ? AND cut <= ? AND seq >= ? RETURNING id",
      ),
      grow: database.prepare("UPDATE audit_chains SET seq = ?, head = ? WHERE id = ?"),
      mine: database.prepare("SELECT * FROM audit_chains WHERE writer = ?"),
      all: database.prepare("SELECT * FROM audit_chains ORDER BY id"),
      ofOrg: database.prepare("SELECT * FROM audit_chains WHERE org_id = ? ORDER BY id"),
    };
    for (const row of this.#statements.mine.all(writer)) {
      const { id, orgId, seq, head } = chainFromRow(row);
      this.#chains.set(orgId, { id, seq, head, pending: [] });
    }
  }

  /** Adds an entry to an org's chain. */
  append(orgId: string, event: AuditEvent): void {
    const chain = this.#chains.get(orgId) ?? this.#open(orgId, event);
    const seq = chain.seq + 1;
    const entry = auditEntry(seq, chain.head, event);
    chain.pending.push(entry);
    chain.seq = seq;
    chain.head = digest(entry);
    this.#grown.add(chain);
    this.#appended += 1;
  }

  /** How many entries were added through this object. */
  get appended(): number {
    return this.#appended;
  }

  /** Writes what was appended, and where the chains end now. */
  finish(): void {
    for (const chain of this.#grown) {
      const { id, seq, head, pending } = chain;
      this.#rows.insert(id, seq, pending);
      this.#statements.grow.run(seq, head, id);
      chain.pending = [];
    }
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
    if (done !== undefined) this.#rows.removeUpTo(chainId, seq);
  }

  rows(chainId: number, afterSeq: number, limit: number): AuditRow[] {
    this.finish();
    return this.#rows.read(chainId, afterSeq, limit);
  }

  #open(orgId: string, event: AuditEvent): OpenChain {
    if (orgId !== NO_ORG) this.append(NO_ORG, chainOpened(orgId, event));
    const head = genesis(orgId, this.#writer);
    const { id } = chainFromRow(this.#statements.open.get(orgId, this.#writer, head));
    const chain: OpenChain = { id, seq: 0, head, pending: [] };
    this.#chains.set(orgId, chain);
    return chain;
  }
}
