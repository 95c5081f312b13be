import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const page = readFileSync(join(ROOT, "docs/integrations/README.md"), "utf8");
const { devDependencies, peerDependencies } = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
) as Readonly<Record<"devDependencies" | "peerDependencies", Readonly<Record<string, string>>>>;

/** Which of the installed packages stands for a major version of `ai`. */
const ALIASES: Readonly<Record<string, string>> = { "ai 5": "ai5", "ai 6": "ai6", "ai 7": "ai" };

const rows = [...page.matchAll(/^\| `([^`]+)`( \d)? +\| ([\d.]+) +\| ([\d.]+) +\|$/gm)].map(
  ([, name = "", major = "", lowest = "", highest = ""]) => ({ name, major, lowest, highest }),
);

test("the page has a row for every framework that can be a peer", () => {
  expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(Object.keys(peerDependencies)));
  expect(rows).toHaveLength(Object.keys(peerDependencies).length + 2);
});

test.each(rows)(
  "$name$major is supported from $lowest and tested with $highest",
  ({ name, major, lowest, highest }) => {
    expect(peerDependencies[name]).toContain(`>=${lowest}`);
    const installed = devDependencies[ALIASES[name + major] ?? name];
    expect(installed?.replace(/^npm:.*@/, "")).toBe(highest);
  },
);
