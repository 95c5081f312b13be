import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const FOLDER = join(import.meta.dirname, "../../../integrations/langchain");
const IMPORT = /^(?:import|export) (type )?[^;]*? from "([^"]+)";/gms;

const files = globSync("*.ts", { cwd: FOLDER });
const imports = files.flatMap((file) =>
  [...readFileSync(join(FOLDER, file), "utf8").matchAll(IMPORT)].map(([, type, from = ""]) => ({
    file,
    from,
    isType: type !== undefined,
  })),
);

test("only @langchain/core is loaded, so that the other packages may be absent", () => {
  const loaded = imports.filter(({ from, isType }) => !from.startsWith(".") && !isType);
  expect(loaded.length).toBeGreaterThan(4);
  expect(loaded.filter(({ from }) => !from.startsWith("@langchain/core/"))).toEqual([]);
});

test("of this package only the root is imported, and what integrations share", () => {
  const outside = imports.filter(({ from }) => from.startsWith("../"));
  expect(outside.length).toBeGreaterThan(4);
  const others = outside.filter(({ from }) => !from.startsWith("../shared/"));
  expect(new Set(others.map(({ from }) => from))).toEqual(new Set(["../../src/index.ts"]));
});
