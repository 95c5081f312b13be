import { expect, test } from "vitest";
import { renderProgress } from "../../src/cli/migrate/progress.ts";

test.each([
  [{ done: 0, total: 100 }, "░".repeat(30), "0 %", ""],
  [{ done: 50, total: 100 }, `${"█".repeat(15)}${"░".repeat(15)}`, "50 %", ", 1 s left"],
  [{ done: 999, total: 1000 }, "█".repeat(30), "99 %", ", 1 s left"],
  [{ done: 100, total: 100 }, "█".repeat(30), "100 %", ""],
  [{ done: 0, total: 0 }, "█".repeat(30), "100 %", ""],
])("a bar: %j", (progress, bar, percent, left) => {
  const line = renderProgress(progress, 1_000);
  expect(line.startsWith(bar)).toBe(true);
  expect(line).toContain(` ${percent}  ${progress.done} of ${progress.total} audit entries`);
  expect(line.endsWith(`entries${left}`)).toBe(true);
});

test("what an earlier attempt moved does not make this one look faster", () => {
  expect(renderProgress({ done: 90, total: 100 }, 1_000, 80)).toContain(", 1 s left");
  expect(renderProgress({ done: 85, total: 100 }, 1_000, 80)).toContain(", 3 s left");
});
