import { readDecision } from "../../wire/index.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { paint, print, printable, printError, printJson } from "../output.ts";
import type { Style } from "../output.ts";
import { Violation } from "./rule.ts";
import { examineConformance } from "./run.ts";
import type { Conformance, Finding } from "./run.ts";
import { RULES } from "./rules/index.ts";
import { Subject } from "./subject.ts";
import type { SubjectOptions } from "./subject.ts";

export interface ReportOptions extends SubjectOptions {
  readonly json: boolean;
}

const STYLES: Readonly<Record<Finding["result"], Style>> = {
  pass: "green",
  fail: "red",
  "not offered": "dim",
};

/** Looks at every rule and tells what was found: a table as it goes, or one JSON value. */
export async function reportConformance(options: ReportOptions): Promise<ExitCode> {
  const { url, json } = options;
  await expectAuthority(options);
  const width = Math.max(...RULES.map(({ id }) => id.length));
  const found = await examineConformance(options, (finding) => {
    if (!json) print(lineOf(finding, width));
  });
  const count = (result: Finding["result"]): number =>
    found.findings.filter((finding) => finding.result === result).length;
  const failed = count("fail");
  const totals = { passed: count("pass"), failed, notOffered: count("not offered") };
  const isConforming = failed === 0 && found.devicesLeft.length === 0;
  if (json) printJson({ url, isConforming, ...totals, ...found });
  else {
    print(`\n${totals.passed} passed, ${failed} failed, ${totals.notOffered} not offered: ${url}`);
    tellWhatIsLeft(found);
  }
  return isConforming ? EXIT.ok : EXIT.error;
}

/** @throws {@link CommandError} when nobody answers there, or does not know the key */
async function expectAuthority(options: SubjectOptions): Promise<void> {
  const deviceId = "conformance:first";
  const heard = await new Subject(options).do("validate", { deviceId }).catch((error: unknown) => {
    if (!(error instanceof Violation)) throw error;
    throw new CommandError(`${error.message}. Check the address; machineid doctor looks closer`, {
      exitCode: EXIT.unavailable,
      code: "AUTHORITY_UNREACHABLE",
      cause: error,
    });
  });
  if (heard.status !== 401 && heard.status !== 403) return;
  if (readDecision(heard.status, heard.json, deviceId).outcome !== "unavailable") return;
  throw new CommandError(
    `The authority does not take the key (status ${heard.status}). Give one of its org keys`,
    { exitCode: EXIT.error, code: "ORG_KEY_INVALID" },
  );
}

function lineOf({ rule, says, result, detail }: Finding, width: number): string {
  const text =
    result === "pass" ? says : `${says} ${paint(STYLES[result], printable(detail ?? ""))}`;
  return `${paint(STYLES[result], result.padEnd(11))}  ${rule.padEnd(width)}  ${text}`;
}

function tellWhatIsLeft({ devicesLeft, orgsLeft }: Conformance): void {
  if (devicesLeft.length > 0) {
    printError(`machineid: devices that could not be removed: ${devicesLeft.join(", ")}`);
  }
  if (orgsLeft.length > 0) {
    print(`Orgs made for this, which the API cannot remove, are shut: ${orgsLeft.join(", ")}`);
  }
}
