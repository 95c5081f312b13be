import { checkBaseUrl, checkDeviceId } from "../../client/index.ts";
import { findEndpoint, findOrgKey, fromEnv } from "../connection.ts";
import type { Endpoint } from "../connection.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { paint, print, printable, printJson } from "../output.ts";
import { examineAcceptance, examineDevice, examineReachability } from "./authority.ts";
import { examineAddress, examineKey, examineNode } from "./environment.ts";
import { examineReceipts } from "./receipts.ts";
import { problem, outage, skipped } from "./finding.ts";
import type { Finding } from "./finding.ts";

export interface DoctorOptions {
  readonly keyFile: string | undefined;
  /** The database whose local authority is meant. */
  readonly database: string | undefined;
  /** A device to ask about. */
  readonly device: string | undefined;
  readonly timeoutMs: number;
  readonly allowInsecureHttp: boolean;
  readonly json: boolean;
}

/** Looks at all that a check depends on, and says what is wrong and how to mend it. */
export async function examine(options: DoctorOptions): Promise<ExitCode> {
  const deviceId = options.device === undefined ? undefined : checkDeviceId(options.device);
  const findings = await collect(options, deviceId);
  const exitCode = exitCodeOf(findings);
  if (options.json) printJson({ ok: exitCode === EXIT.ok, findings });
  else print(render(findings));
  return exitCode;
}

async function collect(
  options: DoctorOptions,
  deviceId: string | undefined,
): Promise<readonly Finding[]> {
  const node = examineNode(process.versions.node);
  const { key, finding: keyFinding } = lookForKey(options.keyFile);
  const endpoint = lookForEndpoint(options.database);
  if ("status" in endpoint) return [node, keyFinding, endpoint];
  const address = examineAddress(endpoint, options.allowInsecureHttp);
  if (address.status === "problem") return [node, keyFinding, address];

  const { origin, prefix } = checkBaseUrl(endpoint.baseUrl, true);
  const asking = { origin, prefix, timeoutMs: options.timeoutMs };
  const reachability = await examineReachability(asking);
  const isReachable = !reachability.some(({ status }) => status === "outage");
  const authorityKey = fromEnv("MACHINEID_AUTHORITY_KEY");
  const receipts =
    authorityKey === undefined || !isReachable ? [] : [await examineReceipts(asking, authorityKey)];
  const first = [node, keyFinding, address, ...reachability, ...receipts];
  if (!isReachable || key === undefined || keyFinding.status === "problem") {
    return [...first, skipped("accepted", "the key was not tried")];
  }
  const acceptance = await examineAcceptance(asking, key);
  if (deviceId === undefined) return [...first, acceptance];
  if (acceptance.status === "outage") return [...first, acceptance, skipped("device", "not asked")];
  return [...first, acceptance, await examineDevice(asking, key, deviceId)];
}

function lookForKey(keyFile: string | undefined): { key: string | undefined; finding: Finding } {
  const source = keyFile ?? "MACHINEID_ORG_KEY";
  try {
    const key = findOrgKey(keyFile);
    return { key, finding: examineKey(key, source) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { key: undefined, finding: problem("key", error.message) };
  }
}

function lookForEndpoint(database: string | undefined): Endpoint | Finding {
  try {
    return findEndpoint(database);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return outage("address", error.message);
  }
}

function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const has = (status: Finding["status"]): boolean =>
    findings.some((finding) => finding.status === status);
  if (has("outage")) return EXIT.unavailable;
  return has("problem") ? EXIT.error : EXIT.ok;
}

const MARKS = {
  ok: paint("green", "✓"),
  warning: paint("yellow", "!"),
  problem: paint("red", "✗"),
  outage: paint("red", "✗"),
  skipped: paint("dim", "-"),
} as const satisfies Record<Finding["status"], string>;

const NAME_WIDTH = 11;

function render(findings: readonly Finding[]): string {
  return findings
    .flatMap(({ name, status, message, mend }) => [
      `${MARKS[status]} ${name.padEnd(NAME_WIDTH)}${printable(message)}`,
      ...(mend === undefined ? [] : [`  ${" ".repeat(NAME_WIDTH)}→ ${printable(mend)}`]),
    ])
    .join("\n");
}
