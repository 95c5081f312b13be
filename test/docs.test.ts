import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import {
  DECISION_CODES,
  FAILURE_CODES,
  GUARD_CODES,
  REGISTRATION_CODES,
} from "../src/wire/index.ts";
import { UNNAMED_DENIAL } from "../src/wire/index.ts";

const ROOT = join(import.meta.dirname, "..");

const argumentCodes = [
  ...readFileSync(join(ROOT, "src/client/errors.ts"), "utf8").matchAll(/^ {2}\| "([A-Z_]+)"/gm),
].map((match) => match[1]);

test("every code has a page, and every page a code", () => {
  const codes = new Set([
    ...DECISION_CODES,
    ...REGISTRATION_CODES,
    ...FAILURE_CODES,
    ...GUARD_CODES,
    ...argumentCodes,
    UNNAMED_DENIAL,
  ]);
  const pages = globSync("docs/errors/*.md", { cwd: ROOT }).map((page) => basename(page, ".md"));
  expect(argumentCodes.length).toBeGreaterThan(5);
  expect(new Set(pages.filter((page) => page !== "README"))).toEqual(codes);
});

test("every link between documents leads somewhere", () => {
  const pages = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], { cwd: ROOT });
  const links = pages.flatMap((page) =>
    [...readFileSync(join(ROOT, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
      (match) => ({ page, target: join(dirname(page), match[1] ?? "") }),
    ),
  );
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter(({ target }) => !existsSync(join(ROOT, target)))).toEqual([]);
});
