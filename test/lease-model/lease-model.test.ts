import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BROAD, REMOVALS } from "./environments.ts";
import { run, schedules } from "./explore.ts";
import type { Environment } from "./explore.ts";
import { ARGUED, RULES } from "./rules.ts";
import type { Rule } from "./rules.ts";

/**
 * The lease protocol as a model, explored over random schedules: what ADR 16
 * argues. `LEASE_MODEL_RUNS` is how many schedules each environment gets, and
 * with it every run explores others.
 */
const asked = Number(process.env["LEASE_MODEL_RUNS"] ?? 0);
const RUNS = asked > 0 ? asked : 1000;
const MOST_RUNS_TO_A_HOLE = 20_000;
const SEED = asked > 0 ? Date.now() : 16;
const TIMEOUT_MS = asked > 0 ? 3_600_000 : 60_000;

const ruleNames = Object.keys(RULES) as Rule[];
const environments: [string, Environment][] = [
  ...Object.entries(BROAD),
  ...ruleNames.map((rule): [string, Environment] => [`where "${rule}" matters`, REMOVALS[rule]]),
];

describe("with every rule kept, nothing begins after fenced", () => {
  test.each(environments)("%s", { timeout: TIMEOUT_MS }, (_name, environment) => {
    fc.assert(
      fc.property(schedules(environment), (schedule) => {
        expect([...run(environment, undefined, schedule).violations]).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  test.each(Object.entries(BROAD))(
    "%s has bodies that begin and stops that are fenced",
    (_name, environment: Environment) => {
      const outcomes = fc
        .sample(schedules(environment), { numRuns: 200, seed: SEED })
        .map((schedule) => run(environment, undefined, schedule));
      expect(outcomes.filter(({ bodies }) => bodies > 0).length).toBeGreaterThan(10);
      expect(outcomes.filter(({ fenced }) => fenced > 0).length).toBeGreaterThan(10);
    },
  );
});

describe("without a rule there is a hole", () => {
  test.each(Object.entries(RULES) as [Rule, string][])(
    "%s (%s)",
    { timeout: TIMEOUT_MS },
    (rule) => {
      const { breaks = "fenced", ...environment } = REMOVALS[rule];
      const found = fc.check(
        fc.property(
          schedules(environment),
          (schedule) => !run(environment, rule, schedule).violations.has(breaks),
        ),
        { numRuns: MOST_RUNS_TO_A_HOLE, seed: SEED, endOnFailure: true },
      );
      expect(found.failed).toBe(true);
    },
  );

  test("each numbered rule is modelled, or named among those that are argued", () => {
    const texts = [...Object.values(RULES), ...ARGUED];
    const numbers = new Set(texts.map((text) => Number.parseInt(text, 10)));
    expect([...numbers].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, index) => index + 1),
    );
  });
});
