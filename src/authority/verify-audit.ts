import { access } from "node:fs/promises";
import * as z from "zod/mini";
import { digest, genesis } from "./store/audit-entry.ts";
import { sqliteStore } from "./store/sqlite/sqlite-store.ts";
import type { AuditChain, Store } from "./store/store.ts";

/** Where an audit is not what was written. */
export interface AuditProblem {
  readonly orgId: string;
  /** Undefined when a whole chain is missing. */
  readonly writer?: string;
  /** The first entry that is wrong or missing. */
  readonly seq?: number;
  readonly message: string;
}

/** What a verification found. */
export interface AuditVerification {
  readonly ok: boolean;
  readonly chains: number;
  /** Entries that were read and found to follow from the one before. */
  readonly rows: number;
  readonly problem?: AuditProblem;
}

const ROWS_AT_ONCE = 1_000;

const linkSchema = z.looseObject({ seq: z.int(), prev: z.string() });

/**
 * Recomputes every audit chain: that each entry holds the hash of the one before
 * it, that none is missing in the middle or at the end, and that every org has a
 * chain. Whoever can write the file can also rewrite it whole; keep the heads
 * elsewhere to notice that.
 *
 * @param source a store that is open, or the path of one that nobody owns
 * @throws StoreLockedError when another process owns the file
 */
export async function verifyAudit(source: Store | string): Promise<AuditVerification> {
  if (typeof source !== "string") return verifyStore(source);
  await access(source);
  const store = await sqliteStore(source);
  try {
    return await verifyStore(store);
  } finally {
    await store.close();
  }
}

async function verifyStore(store: Store): Promise<AuditVerification> {
  const orgIds = await store.orgIds();
  const chains = await store.auditChains();
  let rows = 0;
  for (const chain of chains) {
    const found = await verifyChain(store, chain);
    rows += found.rows;
    if (found.problem !== undefined) {
      return { ok: false, chains: chains.length, rows, problem: found.problem };
    }
  }
  const chained = new Set(chains.map(({ orgId }) => orgId));
  // Whoever made an org had the administrator's key, and that is in the chain of no org.
  const expected = orgIds.length === 0 ? [] : ["", ...orgIds];
  const bare = expected.find((orgId) => !chained.has(orgId));
  if (bare === undefined) return { ok: true, chains: chains.length, rows };
  const problem = { orgId: bare, message: "its audit chain is missing" };
  return { ok: false, chains: chains.length, rows, problem };
}

async function verifyChain(
  store: Store,
  { id, orgId, writer, seq: last, head }: AuditChain,
): Promise<{ rows: number; problem?: AuditProblem }> {
  let seq = 0;
  let previous = genesis(orgId, writer);
  const wrong = (message: string, at: number) => ({
    rows: seq,
    problem: { orgId, writer, seq: at, message },
  });
  while (seq < last) {
    const rows = await store.auditRows(id, seq, Math.min(ROWS_AT_ONCE, last - seq));
    if (rows.length === 0) return wrong("the entry is missing", seq + 1);
    for (const row of rows) {
      if (row.seq !== seq + 1) return wrong("the entry is missing", seq + 1);
      const link = readLink(row.entry);
      if (link?.seq !== row.seq) return wrong("the entry is not what was written", row.seq);
      if (link.prev !== previous) {
        return wrong("the entry does not follow from the one before it", row.seq);
      }
      previous = digest(row.entry);
      seq = row.seq;
    }
  }
  if (previous !== head) return wrong("the last entry is not what was written", seq);
  const [beyond] = await store.auditRows(id, last, 1);
  if (beyond !== undefined) {
    // It was written since, or was slipped in behind the chain's end.
    const now = (await store.auditChains()).find((chain) => chain.id === id);
    if (now === undefined || now.seq < beyond.seq) {
      return wrong("the entry is behind the end of its chain", beyond.seq);
    }
  }
  return { rows: seq };
}

function readLink(entry: string): z.infer<typeof linkSchema> | undefined {
  try {
    return linkSchema.safeParse(JSON.parse(entry)).data;
  } catch {
    return undefined;
  }
}
