import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { interleave, ratioOf } from "./support/compare.ts";

/**
 * From exec to the first answer: `machineid serve` on a database that exists, up
 * to the decision of its first validate, beside a bare node:http server up to
 * its first answer.
 */

const TARGET_MS = 300;
const ROUNDS = 9;
const ROOT = join(import.meta.dirname, "..");
const OWNER_KEY = "org_bench-start-0123456789abcdef";

const BARE = `
  const { createServer } = await import("node:http");
  const server = createServer((request, response) => response.end("{}")).listen(0, "127.0.0.1", () => {
    console.log(JSON.stringify({ url: "http://127.0.0.1:" + server.address().port }));
  });`;

/** Milliseconds from starting a process until it has answered a validate. */
async function timeToFirstAnswer(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, MACHINEID_OWNER_KEY: OWNER_KEY, MACHINEID_LOG_LEVEL: "warn" },
  });
  const ended = once(child, "exit");
  try {
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const response = await fetch(`${url}/api/v1/devices/validate`, {
      method: "POST",
      headers: { "x-org-key": OWNER_KEY, "content-type": "application/json" },
      body: '{"deviceId":"a"}',
    });
    await response.text();
    if (response.status !== 200) throw new Error(`the first validate answered ${response.status}`);
    return performance.now() - started;
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

/** Measures, prints, and answers whether the target was met. */
export async function benchStart(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "machineid-bench-"));
  try {
    const database = join(folder, "authority.db");
    const serve = ["serve", "--port", "0", "--db", database, "--json"];
    const contestants = [
      { name: "bare node:http", args: ["--input-type=module", "--eval", BARE] },
      { name: "machineid serve", args: [join(ROOT, "dist/cli.js"), ...serve] },
    ];
    for (const { args } of contestants) await timeToFirstAnswer(args);
    const [base, measured] = await interleave(contestants, ROUNDS, ({ args }) =>
      timeToFirstAnswer(args),
    );
    if (base === undefined || measured === undefined) throw new Error("nothing was measured");
    const { ratio, lowest, highest } = ratioOf(measured, base);
    const met = measured.median <= TARGET_MS;
    const lines = [base, measured].map(
      ({ name, median }) => `  ${name.padEnd(18)}${Math.round(median)} ms to the first answer`,
    );
    process.stdout.write(
      [
        `start of the built authority, ${ROUNDS} rounds`,
        ...lines,
        `  ratio ${ratio.toFixed(2)} (rounds ${lowest.toFixed(2)} to ${highest.toFixed(2)}), target ${TARGET_MS} ms: ${met ? "met" : "missed"}`,
        "",
      ].join("\n"),
    );
    return met;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exitCode = (await benchStart()) ? 0 : 1;
