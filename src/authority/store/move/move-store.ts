import type { ChainPlace } from "../../audit/chain-verifier.ts";
import { chainBase } from "../../audit/verify-chain.ts";
import { publicJwk } from "../../signing/signing-key.ts";
import { signatureVerifier } from "../../signing/verify-signature.ts";
import { digest } from "../audit-entry.ts";
import type { AuditChain, AuditRow } from "../audit-store.ts";
import { readSettings } from "../postgres/options.ts";
import type { PostgresOptions } from "../postgres/options.ts";
import { MoveError } from "./move-error.ts";
import { MoveSource } from "./source.ts";
import type { ChainStart } from "./target.ts";

/** What is moved, and where to. */
export interface MoveOptions {
  /** The SQLite file of a store that nobody serves. */
  readonly from: string;
  /** A database without a store, or one that an earlier attempt began to fill. */
  readonly to: PostgresOptions;
  /** Told of every step. */
  readonly onProgress?: (progress: MoveProgress) => void;
}

/** How far a move is. */
export interface MoveProgress {
  /** Audit entries that are in the target. */
  readonly done: number;
  /** Audit entries that there are. */
  readonly total: number;
}

/** What was moved. */
export interface Moved {
  readonly auditEntries: number;
  /** Of them, those that an earlier attempt had moved. */
  readonly resumedAt: number;
  readonly orgs: number;
  readonly devices: number;
  readonly version: number;
}

const ENTRIES_AT_ONCE = 2_000;

/**
 * Moves a store from a file into a PostgreSQL database: orgs, keys, signing keys,
 * devices, the change log and the audit with its chains, whose hashes and
 * checkpoints are checked on the way.
 * The audit goes first, in slices, and is taken up where an earlier attempt left
 * it; all else is committed as one at the end. Until then nobody can serve the
 * target, and from then on nobody the file.
 *
 * @throws MoveError when the target holds something else, or the audit is not what was written
 * @throws StoreLockedError when an authority serves the file
 * @throws StoreSchemaError when one of the two is not a store this version can work with
 * @throws StoreUnavailableError when the target cannot be reached
 */
export async function moveStore({ from, to, onProgress }: MoveOptions): Promise<Moved> {
  const settings = readSettings(to);
  using source = new MoveSource(from);
  const { MoveTarget } = await import("./target.ts");
  await using target = await MoveTarget.open(settings, source.id);
  const chains = await startsOf(source);
  const total = entriesOf(chains.map(({ chain }) => chain));
  const ends = await target.openChains(chains);
  const resumedAt = entriesOf([...ends.values()]);
  let done = resumedAt;
  onProgress?.({ done, total });
  for (const { chain, start } of chains) {
    const copied = ends.get(chain.id);
    if (copied === undefined) throw new MoveError(`the target has no chain for ${chain.orgId}`);
    for (const slice of slicesOf(source, { chain, start }, copied)) {
      await target.append(copied.id, slice);
      done += slice.length;
      onProgress?.({ done, total });
    }
  }
  const orgs = source.orgs();
  const devices = [...source.devices()];
  source.markMoved(settings.name);
  try {
    await target.finish({
      version: source.version,
      terms: source.terms,
      orgs,
      keys: source.keys(),
      signingKeys: source.signingKeys(),
      devices,
      changes: [...source.changes()],
    });
  } catch (error) {
    if (!(await target.isFinished().catch(() => true))) source.markMoved(null);
    throw error;
  }
  return {
    auditEntries: total,
    resumedAt,
    orgs: orgs.length,
    devices: devices.length,
    version: source.version,
  };
}

/** The entries of a chain that are still to be copied, each found to follow from the one before. */
function* slicesOf(
  source: MoveSource,
  { chain, start }: ChainStart,
  copied: AuditChain,
): Generator<readonly AuditRow[]> {
  let { seq, head } = copied;
  const wrong = (at: number): MoveError => wrongAudit(chain, at);
  if (seq > start.seq) {
    const [last] = source.auditRows(chain.id, seq - 1, 1);
    if (last?.seq !== seq || digest(last.entry) !== head) throw wrong(seq);
  } else if (head !== start.head) throw wrong(seq);
  while (seq < chain.seq) {
    const rows = source.auditRows(chain.id, seq, Math.min(ENTRIES_AT_ONCE, chain.seq - seq));
    if (rows.length === 0) throw wrong(seq + 1);
    for (const row of rows) {
      if (row.seq !== seq + 1 || !row.entry.startsWith(`{"seq":${row.seq},"prev":"${head}",`)) {
        throw wrong(seq + 1);
      }
      ({ seq } = row);
      head = digest(row.entry);
    }
    yield rows;
  }
  if (head !== chain.head) throw wrong(seq);
}

/** What the entries of each chain begin after, as far as the authority signed it. */
async function startsOf(source: MoveSource): Promise<ChainStart[]> {
  const keys = source.signingKeys().map(({ key }) => publicJwk(key));
  const verify = await signatureVerifier(keys);
  return Promise.all(
    source.chains().map(async (chain) => {
      const start: ChainPlace | undefined = await chainBase(chain, verify);
      if (start === undefined) throw wrongAudit(chain, chain.cut);
      return { chain, start };
    }),
  );
}

const entriesOf = (chains: readonly AuditChain[]): number =>
  chains.reduce((sum, { cut, seq }) => sum + seq - cut, 0);

const wrongAudit = ({ orgId, writer }: AuditChain, at: number): MoveError =>
  new MoveError(
    `the audit of ${nameOf(orgId)} (writer ${writer}) is not what was written, at entry ${at}; ` +
      "nothing was moved",
  );

const nameOf = (orgId: string): string => (orgId === "" ? "the authority" : `org ${orgId}`);
