import type { MachineID } from "../../client/index.ts";
import { auditAnswerSchema, auditChainsAnswerSchema, MAX_AUDIT_PAGE } from "../../wire/index.ts";
import type { AuditAnswer, AuditChainAnswer, AuditChainsAnswer } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { CommandError, EXIT } from "../exit-code.ts";

/** Reads the audit over the API. */

/** @throws {@link CommandError} */
export async function readPage(
  client: MachineID,
  query: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<AuditAnswer> {
  const answer = await client.request("audit", query, { signal });
  const known = auditAnswerSchema.safeParse(expectDone(answer, "Reading the audit"));
  if (known.success) return known.data;
  throw malformed();
}

/** @throws {@link CommandError} */
export async function readChains(client: MachineID): Promise<AuditChainsAnswer> {
  const answer = await client.request("auditChains");
  const known = auditChainsAnswerSchema.safeParse(expectDone(answer, "Reading the audit's chains"));
  if (known.success) return known.data;
  throw malformed();
}

/** The entries of one chain, from where it begins to the end that was named. */
export async function* chainLines(
  client: MachineID,
  { chain, cut, seq }: AuditChainAnswer,
): AsyncGenerator<string> {
  let cursor: string | undefined;
  let left = seq - cut;
  while (left > 0) {
    const limit = Math.min(left, MAX_AUDIT_PAGE);
    const page = await readPage(client, { chain, cursor, limit });
    for (const { line } of page.entries.slice(0, left)) yield line;
    left -= page.entries.length;
    // A page that leads nowhere would be read for ever.
    if (!page.more || page.cursor === cursor) return;
    ({ cursor } = page);
  }
}

const malformed = (): CommandError =>
  new CommandError(
    "The authority's answer is no audit. Check that MACHINEID_BASE_URL names an authority with an audit: machineid doctor",
    { exitCode: EXIT.unavailable, code: "AUTHORITY_MALFORMED" },
  );
