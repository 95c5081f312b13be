import { NotOffered, Violation } from "./rule.ts";
import type { Rule } from "./rule.ts";
import { RULES } from "./rules/index.ts";
import { Subject } from "./subject.ts";
import type { SubjectOptions } from "./subject.ts";

/** What was found of one rule. */
export interface Finding {
  readonly rule: string;
  readonly says: string;
  readonly result: "pass" | "fail" | "not offered";
  /** What was seen, or why there was nothing to see. */
  readonly detail?: string;
}

/** What was found of all rules, and what could not be cleaned up. */
export interface Conformance {
  readonly findings: readonly Finding[];
  /** Devices that could not be removed. */
  readonly devicesLeft: readonly string[];
  /** Orgs that were made and shut; the API has no way to remove an org. */
  readonly orgsLeft: readonly string[];
}

/** Looks at every rule, one after the other, and removes what it made for that. */
export async function examineConformance(
  options: SubjectOptions,
  onFinding: (finding: Finding) => void,
): Promise<Conformance> {
  const subject = new Subject(options);
  const findings: Finding[] = [];
  let devicesLeft: readonly string[] = [];
  try {
    for (const rule of RULES) {
      const finding = await examine(rule, subject);
      findings.push(finding);
      onFinding(finding);
      // A small plan has room for the devices of one rule only.
      devicesLeft = await subject.removeDevices();
    }
  } finally {
    devicesLeft = await subject.removeDevices();
  }
  return { findings, devicesLeft, orgsLeft: await subject.shutOrgs() };
}

async function examine(rule: Rule, subject: Subject): Promise<Finding> {
  const { id, says, feature, needsAdmin = false, check } = rule;
  const about = { rule: id, says };
  try {
    if (needsAdmin && !subject.hasAdmin) throw new NotOffered("it needs the administrator's key");
    if (feature !== undefined && !(await subject.features()).includes(feature)) {
      throw new NotOffered(`meta does not name ${feature}`);
    }
    await check(subject);
    return { ...about, result: "pass" };
  } catch (error) {
    if (error instanceof NotOffered) {
      return { ...about, result: "not offered", detail: error.message };
    }
    if (error instanceof Violation) return { ...about, result: "fail", detail: error.message };
    throw error;
  }
}
