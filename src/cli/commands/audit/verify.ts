import { defineCommand } from "citty";
import type { VerifySignature } from "../../../authority/signing/verify-signature.ts";
import type { AuditChainsAnswer, AuditStatement } from "../../../wire/index.ts";
import { chainLines, readChains } from "../../audit/audit-client.ts";
import { openExport } from "../../audit/export-file.ts";
import { findPublicKeys } from "../../audit/public-keys.ts";
import { readStatement, verifyOrg } from "../../audit/verify-org.ts";
import type { OrgVerification } from "../../audit/verify-org.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import type { ConnectionArguments } from "../../connection.ts";
import { CommandError, EXIT, UsageError } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { paint, print, printable, printError, printJson } from "../../output.ts";

/** `machineid audit verify [EXPORT]` */
export const command = defineCommand({
  meta: {
    name: "verify",
    description:
      "Recompute the audit's chains, of the authority or of an export; 1 if one is broken",
  },
  args: {
    export: {
      type: "positional",
      required: false,
      description: "File that audit export wrote; without it, the authority is asked",
    },
    jwks: {
      type: "string",
      description: "File with the authority's public keys (jwks.json or PEM); an export needs it",
      valueHint: "FILE",
    },
    known: {
      type: "string",
      description: "An earlier export: all that was there then must still be there",
      valueHint: "FILE",
    },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const { export: file, jwks, known } = args;
    const found =
      file === undefined
        ? await verifyOnline(args, jwks, known)
        : await verifyExport(file, jwks, known);
    if (args.json === true) printJson(found);
    if (found.ok && args.json !== true) print(describe(found));
    if (!found.ok) printError(`machineid: ${describeProblem(found)}`);
    return found.ok ? EXIT.ok : EXIT.error;
  },
});

async function verifyOnline(
  args: ConnectionArguments,
  jwks: string | undefined,
  knownFile: string | undefined,
): Promise<OrgVerification> {
  const client = connect(args);
  const verify = await findPublicKeys(jwks, client);
  const known = await readKnown(knownFile, verify);
  for (;;) {
    const chains = await readChains(client);
    const found = await verifyOrg(chains, (chain) => chainLines(client, chain), verify, known);
    // Old entries may have been removed while they were read.
    if (found.ok || !isCutSince(chains, await readChains(client))) return found;
  }
}

const isCutSince = (before: AuditChainsAnswer, now: AuditChainsAnswer): boolean =>
  before.chains.some(({ chain, cut }) =>
    now.chains.some((one) => one.chain === chain && one.cut > cut),
  );

async function verifyExport(
  path: string,
  jwks: string | undefined,
  knownFile: string | undefined,
): Promise<OrgVerification> {
  if (jwks === undefined) {
    throw new UsageError(
      "An export is verified with the authority's public keys. Save /.well-known/jwks.json, and name the file with --jwks",
    );
  }
  const verify = await findPublicKeys(jwks, undefined);
  const known = await readKnown(knownFile, verify);
  await using file = await openExport(path);
  const found = await verifyOrg(file.audit, file.linesOf, verify, known);
  if (!found.ok || (await file.isOver())) return found;
  const last = file.audit.chains.at(-1);
  const message = "the entry is behind the end of its chain";
  const place = last === undefined ? {} : { chain: last.chain, seq: last.seq + 1 };
  return { ...found, ok: false, problem: { ...place, message } };
}

/** The signed statement of an earlier export. */
async function readKnown(
  path: string | undefined,
  verify: VerifySignature,
): Promise<AuditStatement | undefined> {
  if (path === undefined) return undefined;
  await using file = await openExport(path);
  const statement = await readStatement(file.audit.statement, verify);
  if (statement !== undefined) return statement;
  throw new CommandError(
    `${path} is not signed by the authority, so nothing is known from it. Name another export with --known`,
    { exitCode: EXIT.error, code: "EXPORT_UNREADABLE" },
  );
}

function describe({ org, chains, entries, cut }: OrgVerification): string {
  const older = cut === 0 ? "" : `; ${cut} older ones were removed, under a signed checkpoint`;
  const counts = `${chains} ${chains === 1 ? "chain" : "chains"}, ${entries} entries`;
  return `${paint("green", "sound")}  org ${printable(org)}: ${counts}${older}`;
}

function describeProblem({ org, problem }: OrgVerification): string {
  const chain = problem?.chain === undefined ? "" : `, chain ${printable(problem.chain)}`;
  const entry = problem?.seq === undefined ? "" : `, entry ${problem.seq}`;
  const message = problem?.message ?? "it could not be verified";
  return (
    `The audit is broken: org ${printable(org)}${chain}${entry}: ${printable(message)}. ` +
    "Keep the store as it is, and compare it with an earlier export"
  );
}
