import { verifyChain } from "../../authority/audit/verify-chain.ts";
import type { VerifySignature } from "../../authority/signing/verify-signature.ts";
import { auditStatementSchema, SIGNATURE_TYPES } from "../../wire/index.ts";
import type { AuditChainAnswer, AuditEntry, AuditStatement } from "../../wire/index.ts";

/** An org's audit as an authority or an export shows it. */
export interface OrgAudit {
  readonly org: string;
  readonly chains: readonly AuditChainAnswer[];
  /** The chains, signed. */
  readonly statement: string;
}

/** What a verification found. */
export interface OrgVerification {
  readonly ok: boolean;
  readonly org: string;
  readonly chains: number;
  /** Entries that were read and found to follow from the one before. */
  readonly entries: number;
  /** Entries that were removed when they were old, and for which a checkpoint stands. */
  readonly cut: number;
  /** The first problem. */
  readonly problem?: { readonly chain?: string; readonly seq?: number; readonly message: string };
}

/**
 * Verifies that the authority signed where every chain ends, and recomputes each
 * from its beginning, or its signed checkpoint, to there.
 *
 * @param known an earlier statement: all it names must still be there
 */
export async function verifyOrg(
  audit: OrgAudit,
  linesOf: (chain: AuditChainAnswer) => AsyncIterable<string>,
  verify: VerifySignature,
  known?: AuditStatement,
): Promise<OrgVerification> {
  const { org, chains } = audit;
  let entries = 0;
  const result = (problem?: OrgVerification["problem"]): OrgVerification => ({
    ok: problem === undefined,
    org,
    chains: chains.length,
    entries,
    cut: chains.reduce((sum, { cut }) => sum + cut, 0),
    ...(problem === undefined ? {} : { problem }),
  });
  const statement = await readStatement(audit.statement, verify);
  if (statement === undefined || !isAbout(statement, audit)) {
    const message = "the list of chains is not what the authority signed";
    return result({ message });
  }
  if (known !== undefined && known.org !== org) {
    return result({ message: `what is known is about another org, ${known.org}` });
  }
  const lost = known?.chains.find(({ chain }) => !chains.some((one) => one.chain === chain));
  if (lost !== undefined) return result({ chain: lost.chain, message: "the chain is missing" });
  for (const { chain, ...ends } of chains) {
    const knownEnd = known?.chains.find((one) => one.chain === chain);
    const watch = new KnownEnd(knownEnd);
    const claimed = { orgId: org, writer: chain, ...ends };
    const lines = linesOf({ chain, ...ends });
    const { rows, problem } = await verifyChain(claimed, lines, verify, watch.see);
    entries += rows;
    const found = problem ?? watch.problem(ends);
    if (found !== undefined) return result({ chain, ...found });
  }
  return result();
}

/** Reads a statement that the authority signed; undefined when it did not. */
export async function readStatement(
  statement: string,
  verify: VerifySignature,
): Promise<AuditStatement | undefined> {
  const claims = await verify(SIGNATURE_TYPES.statement, statement);
  return auditStatementSchema.safeParse(claims).data;
}

function isAbout(statement: AuditStatement, { org, chains }: OrgAudit): boolean {
  const endsOf = (list: readonly AuditStatement["chains"][number][]): string =>
    JSON.stringify(list.map(({ chain, cut, seq, head }) => [chain, cut, seq, head]));
  return statement.org === org && endsOf(statement.chains) === endsOf(chains);
}

/** Looks whether a chain still goes through the end that it had earlier. */
class KnownEnd {
  readonly #known: { readonly seq: number; readonly head: string } | undefined;
  #isOther = false;

  constructor(known: { readonly seq: number; readonly head: string } | undefined) {
    this.#known = known;
  }

  readonly see = ({ seq, prev }: AuditEntry): void => {
    if (seq - 1 === this.#known?.seq && prev !== this.#known.head) this.#isOther = true;
  };

  problem(end: {
    readonly seq: number;
    readonly head: string;
  }): { readonly seq: number; readonly message: string } | undefined {
    const known = this.#known;
    if (known === undefined) return undefined;
    const { seq } = known;
    if (end.seq < seq) {
      return { seq: end.seq + 1, message: "the entry is missing, and was there earlier" };
    }
    const isOther = this.#isOther || (end.seq === seq && end.head !== known.head);
    return isOther ? { seq, message: "the entry was another one earlier" } : undefined;
  }
}
