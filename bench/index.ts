import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Every measured claim, one after the other. Exits with 1 when a target was missed. */
const BENCHMARKS = [
  "check-latency.ts",
  "lease-check.ts",
  "lease-run.ts",
  "lease-fleet.ts",
  "stop-fan-out.ts",
  "stop-abort.ts",
  "validate-http.ts",
  "validate-postgres.ts",
  "mcp-gate.ts",
  "start.ts",
];

let missed = 0;
for (const benchmark of BENCHMARKS) {
  const path = fileURLToPath(new URL(benchmark, import.meta.url));
  const [code] = await once(spawn(process.execPath, [path], { stdio: "inherit" }), "exit");
  if (code !== 0) missed += 1;
  process.stdout.write("\n");
}
process.stdout.write(
  `${BENCHMARKS.length - missed} of ${BENCHMARKS.length} benchmarks met their targets\n`,
);
process.exitCode = missed === 0 ? 0 : 1;
