import { auditCheckpointSchema, SIGNATURE_TYPES } from "../../wire/index.ts";
import type { AuditEntry } from "../../wire/index.ts";
import type { VerifySignature } from "../signing/verify-signature.ts";
import type { AuditChain } from "../store/audit-store.ts";
import { chainStart, ChainVerifier } from "./chain-verifier.ts";
import type { ChainPlace, ChainProblem } from "./chain-verifier.ts";

/** A chain as its store, its authority or an export tells of it. */
export type ClaimedChain = Omit<AuditChain, "id">;

/** What became of the verification of one chain. */
export interface ChainVerification {
  /** Entries that were read and found to follow from the one before. */
  readonly rows: number;
  readonly problem?: ChainProblem;
}

/** Where a chain's entries begin: at its start, or at a checkpoint that the authority signed. */
export async function chainBase(
  { orgId, writer, cut, checkpoint }: ClaimedChain,
  verify: VerifySignature,
): Promise<ChainPlace | undefined> {
  if (cut === 0 && checkpoint === null) return chainStart(orgId, writer);
  if (checkpoint === null) return undefined;
  const claims = await verify(SIGNATURE_TYPES.checkpoint, checkpoint);
  const { success, data } = auditCheckpointSchema.safeParse(claims);
  const isIts =
    success && data.org === orgId && data.chain === writer && data.seq === cut && cut > 0;
  return isIts ? { seq: data.seq, head: data.head } : undefined;
}

/**
 * Recomputes one chain from its beginning, or from its checkpoint, to its end.
 *
 * @param lines the entries from there to the end, in order
 * @param onEntry told of every entry that was found sound
 */
export async function verifyChain(
  chain: ClaimedChain,
  lines: AsyncIterable<string>,
  verify: VerifySignature,
  onEntry?: (entry: AuditEntry) => void,
): Promise<ChainVerification> {
  const base = await chainBase(chain, verify);
  if (base === undefined) {
    const message = "the checkpoint in the place of older entries is not signed by the authority";
    return { rows: 0, problem: { seq: Math.max(chain.cut, 1), message } };
  }
  const verifier = new ChainVerifier(base);
  for await (const line of lines) {
    const entry = verifier.add(line);
    if (entry === undefined) break;
    onEntry?.(entry);
  }
  const problem = verifier.end(chain);
  return { rows: verifier.read, ...(problem === undefined ? {} : { problem }) };
}
