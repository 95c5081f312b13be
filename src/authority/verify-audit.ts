import { access } from "node:fs/promises";
import type { AuditEntry } from "../wire/index.ts";
import { DeviceReplay } from "./audit/replay.ts";
import { verifyChain } from "./audit/verify-chain.ts";
import { publicJwk } from "./signing/signing-key.ts";
import { signatureVerifier } from "./signing/verify-signature.ts";
import type { VerifySignature } from "./signing/verify-signature.ts";
import { NO_ORG } from "./store/audit-entry.ts";
import type { AuditChain, AuditSnapshot } from "./store/audit-store.ts";
import { sqliteStore } from "./store/sqlite/sqlite-store.ts";
import type { Store } from "./store/store.ts";

/** Where an audit is not what was written. */
export interface AuditProblem {
  readonly orgId: string;
  /** Undefined when a whole chain is missing, or the org's devices are not what its audit says. */
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
  /** The first problem. */
  readonly problem?: AuditProblem;
}

const ROWS_AT_ONCE = 1_000;

/**
 * Recomputes every audit chain: that each entry holds the hash of the one before
 * it, that none is missing in the middle or at the end, that what was cut has its
 * signed checkpoint, and that no chain is missing. Then replays the chains: the
 * devices are what the audit says. Whoever can write the file can also rewrite it
 * whole; keep signed statements elsewhere to notice that.
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
  const snapshot = await store.auditSnapshot();
  const { chains } = snapshot;
  const verify = await signatureVerifier((await store.signingKeys()).map(publicJwk));
  const replays = new Map(snapshot.orgs.map(({ orgId }) => [orgId, new DeviceReplay()]));
  const begun = new Set<string>();
  let rows = 0;
  const result = (problem?: AuditProblem): AuditVerification => ({
    ok: problem === undefined,
    chains: chains.length,
    rows,
    ...(problem === undefined ? {} : { problem }),
  });
  const verified: AuditChain[] = [];
  for (const chain of chains) {
    const { orgId, writer } = chain;
    const replay = replays.get(orgId);
    const found = await verifyStored(store, chain, verify, (entry) => {
      replay?.add(entry);
      const opened = entry.op === "chain_open" ? entry.detail?.["org"] : undefined;
      if (orgId === NO_ORG && typeof opened === "string") begun.add(nameOf(opened, writer));
    });
    rows += found.rows;
    if (found.problem !== undefined) return result(found.problem);
    verified.push(found.chain);
  }
  const { orgs } = snapshot;
  return result(
    missingChain({ orgs, chains }, begun) ?? wrongDevice({ orgs, chains: verified }, replays),
  );
}

interface StoredVerification {
  /** The chain as it was when it was read. */
  readonly chain: AuditChain;
  readonly rows: number;
  readonly problem?: AuditProblem;
}

async function verifyStored(
  store: Store,
  chain: AuditChain,
  verify: VerifySignature,
  onEntry: (entry: AuditEntry) => void,
): Promise<StoredVerification> {
  const { orgId, writer, id, seq: end } = chain;
  const { rows, problem } = await verifyChain(chain, linesOf(store, chain), verify, onEntry);
  const [beyond] = problem === undefined ? await store.auditRows(id, end, 1) : [];
  if (problem === undefined && beyond === undefined) return { chain, rows };
  const now = (await store.auditChains()).find((one) => one.id === id);
  if (problem !== undefined) {
    // Old entries may have been removed while they were read.
    if (now !== undefined && now.cut > chain.cut) return verifyStored(store, now, verify, onEntry);
    return { chain, rows, problem: { orgId, writer, ...problem } };
  }
  // It was written since, or was slipped in behind the chain's end.
  if (beyond === undefined || (now !== undefined && now.seq >= beyond.seq)) return { chain, rows };
  const message = "the entry is behind the end of its chain";
  return { chain, rows, problem: { orgId, writer, seq: beyond.seq, message } };
}

async function* linesOf(store: Store, { id, cut, seq: end }: AuditChain): AsyncGenerator<string> {
  let last = cut;
  while (last < end) {
    const rows = await store.auditRows(id, last, Math.min(ROWS_AT_ONCE, end - last));
    const newest = rows.at(-1);
    if (newest === undefined) return;
    for (const { entry } of rows) yield entry;
    last = newest.seq;
  }
}

const nameOf = (orgId: string, writer: string): string => `${writer} ${orgId}`;

function missingChain(
  { orgs, chains }: AuditSnapshot,
  begun: ReadonlySet<string>,
): AuditProblem | undefined {
  const names = new Set(chains.map(({ orgId, writer }) => nameOf(orgId, writer)));
  const lost = [...begun].find((name) => !names.has(name));
  const message = "its audit chain is missing";
  if (lost !== undefined) {
    const [writer = "", orgId = ""] = lost.split(" ");
    return { orgId, writer, message };
  }
  const chained = new Set(chains.map(({ orgId }) => orgId));
  // Whoever made an org had the administrator's key, and that is in the chain of no org.
  const expected = orgs.length === 0 ? [] : [NO_ORG, ...orgs.map(({ orgId }) => orgId)];
  const bare = expected.find((orgId) => !chained.has(orgId));
  return bare === undefined ? undefined : { orgId: bare, message };
}

function wrongDevice(
  { orgs, chains }: AuditSnapshot,
  replays: ReadonlyMap<string, DeviceReplay>,
): AuditProblem | undefined {
  for (const { orgId, devices } of orgs) {
    const isWhole = chains.every((chain) => chain.orgId !== orgId || chain.cut === 0);
    const message = replays.get(orgId)?.difference(devices, isWhole);
    if (message !== undefined) return { orgId, message };
  }
  return undefined;
}
