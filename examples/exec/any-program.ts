/**
 * A program that knows nothing of MachineID, here a shell script with a child of
 * its own, under `machineid exec`: it works while its device may, and is gone when
 * it may not.
 *
 * Needs MACHINEID_BASE_URL and MACHINEID_ORG_KEY.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { MachineID } from "../../src/index.ts";

const DEVICE_ID = "example:exec:scraper:01";
const CLI = join(import.meta.dirname, "../../src/cli/main.ts");
const PROGRAM = `
(while :; do echo fetched; sleep 0.1; done) &
trap 'echo "putting things away"; exit' TERM
wait`;

const client = MachineID.fromEnv();
const options = ["--register", "--device", DEVICE_ID, "--recheck-ms", "200"];
const execution = spawn(process.execPath, [CLI, "exec", ...options, "--", "sh", "-c", PROGRAM], {
  stdio: ["ignore", "pipe", "inherit"],
});
const closed = once(execution, "close");
const lines: string[] = [];
for await (const line of createInterface(execution.stdout)) {
  lines.push(line);
  if (lines.length === 3) await client.revoke(DEVICE_ID);
}

// Its output has ended: nobody is left who could write to it.
const [code] = (await closed) as [number | null];
assert.equal(code, 3);
assert.ok(lines.includes("putting things away"));

const again = spawn(process.execPath, [CLI, "exec", ...options, "--", "sh", "-c", "echo began"], {
  stdio: ["ignore", "pipe", "inherit"],
});
again.stdout.on("data", () => assert.fail("a stopped device must not begin"));
assert.deepEqual(await once(again, "close"), [3, null]);
process.stdout.write(`fetched ${lines.length - 1} pages; then the device was stopped\n`);
