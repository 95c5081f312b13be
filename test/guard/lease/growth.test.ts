import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const CALLS = 10_000_000;
/** A fifth of a byte for each check that is measured. */
const ALLOWED_BYTES = 1024 * 1024;

test("ten million checks under a lease leave nothing behind", async () => {
  const child = fileURLToPath(new URL("growth-child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--expose-gc",
    child,
    String(CALLS),
  ]);
  expect(Number(stdout)).toBeLessThan(ALLOWED_BYTES);
}, 600_000);
