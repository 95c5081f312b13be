import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/**
 * Runs every example against an authority of its own. An example asserts what it
 * shows and exits with something else than 0 when that was wrong.
 */
const ROOT = join(import.meta.dirname, "..");
const TIMEOUT_MS = 60_000;

interface Served {
  readonly url: string;
  readonly ownerKey: string;
}

async function runExample(file: string): Promise<boolean> {
  const server = spawn(
    process.execPath,
    [join(ROOT, "src/cli/main.ts"), "serve", "--port", "0", "--db", ":memory:", "--json"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const [line] = (await once(createInterface(server.stdout), "line")) as [string];
    const { url, ownerKey } = JSON.parse(line) as Served;
    const example = spawn(process.execPath, [join(ROOT, file)], {
      stdio: "inherit",
      env: { ...process.env, MACHINEID_BASE_URL: url, MACHINEID_ORG_KEY: ownerKey },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const [code] = (await once(example, "exit")) as [number | null];
    return code === 0;
  } finally {
    const exited = once(server, "exit");
    server.kill("SIGTERM");
    await exited;
  }
}

const files = globSync("examples/*/*.ts", { cwd: ROOT }).toSorted();
const failed: string[] = [];
for (const file of files) {
  process.stdout.write(`\n== ${file}\n`);
  const passed = await runExample(file).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    return false;
  });
  if (!passed) failed.push(file);
}
process.stdout.write(
  `\n${files.length - failed.length} of ${files.length} examples passed` +
    `${failed.length === 0 ? "" : `; failed: ${failed.join(", ")}`}\n`,
);
process.exitCode = failed.length === 0 && files.length > 0 ? 0 : 1;
