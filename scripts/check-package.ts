import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Packs the package, installs it into empty folders, and uses it as a stranger would. */
const ROOT = join(import.meta.dirname, "..");
const MAX_PACKAGES = 15;
const MAX_BYTES = 10 * 1000 * 1000;

const folder = mkdtempSync(join(tmpdir(), "machineid-package-"));
let failures = 0;

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

async function check(name: string, action: () => unknown): Promise<void> {
  try {
    const detail = await action();
    process.stdout.write(`ok   ${name}${typeof detail === "string" ? `: ${detail}` : ""}\n`);
  } catch (error) {
    failures += 1;
    const output = error instanceof Error ? Reflect.get(error, "stdout") : undefined;
    process.stdout.write(`FAIL ${name}\n${String(error)}\n${String(output ?? "")}\n`);
  }
}

function ensure(condition: boolean, problem: string): void {
  if (!condition) throw new Error(problem);
}

function installInto(name: string, packages: readonly string[]): string {
  const target = join(folder, name);
  run("mkdir", [target], folder);
  writeFileSync(join(target, "package.json"), '{ "private": true, "type": "module" }\n');
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...packages], target);
  return target;
}

const installed = (target: string): string[] =>
  readdirSync(join(target, "node_modules"))
    .filter((entry) => !entry.startsWith("."))
    .flatMap((entry) =>
      entry.startsWith("@")
        ? readdirSync(join(target, "node_modules", entry)).map((name) => `${entry}/${name}`)
        : [entry],
    );

function bytesUnder(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, entry) => sum + bytesUnder(join(path, entry)), 0);
}

const evaluate = (target: string, code: string): string =>
  run(process.execPath, ["--input-type=module", "--eval", code], target).trim();

async function serveFrom(target: string): Promise<string> {
  const server = spawn(
    process.execPath,
    ["node_modules/machineid-io/dist/cli.js", "serve", "--port", "0", "--db", ":memory:", "--json"],
    { cwd: target, stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const [line] = (await once(createInterface(server.stdout), "line")) as [string];
    const { url, ownerKey } = JSON.parse(line) as { url: string; ownerKey: string };
    const code = `
      import { createGuard, MachineID } from "machineid-io";
      const client = new MachineID({ orgKey: ${JSON.stringify(ownerKey)}, baseUrl: ${JSON.stringify(url)} });
      const guard = createGuard(client, { deviceId: "agent-01" });
      await guard.protect({ kind: "task" }, () => undefined);
      await client.revoke("agent-01");
      await guard.protect({ kind: "task" }, () => process.exit(9)).catch(({ code }) => console.log(code));`;
    const denied = evaluate(target, code);
    ensure(denied === "DEVICE_REVOKED", `expected DEVICE_REVOKED, saw ${denied}`);
    return denied;
  } finally {
    const exited = once(server, "exit");
    server.kill("SIGTERM");
    await exited;
  }
}

try {
  await check("publint", () => void run("npx", ["publint", "--strict"], ROOT));
  run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], ROOT);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
  await check("types resolve (attw)", () => {
    run("npx", ["attw", tarball, "--profile", "esm-only"], ROOT);
  });
  await check("size (size-limit)", () => void run("npx", ["size-limit"], ROOT));

  const alone = installInto("alone", [tarball]);
  await check("what it brings", () => {
    const names = installed(alone);
    const bytes = bytesUnder(join(alone, "node_modules"));
    const found = `${names.length} packages, ${(bytes / 1e6).toFixed(1)} MB`;
    ensure(names.length <= MAX_PACKAGES, `${found}: at most ${MAX_PACKAGES} packages`);
    ensure(bytes <= MAX_BYTES, `${found}: at most ${MAX_BYTES / 1e6} MB`);
    return found;
  });
  await check("one copy of every error class", () => {
    const dist = join(alone, "node_modules/machineid-io/dist");
    const texts = readdirSync(dist)
      .filter((file) => file.endsWith(".js"))
      .map((file) => readFileSync(join(dist, file), "utf8"));
    for (const marker of ["machineid.error", "machineid.error.execution-stopped"]) {
      const copies = texts.filter((text) => text.includes(`Symbol.for("${marker}")`)).length;
      ensure(copies === 1, `${copies} files define ${marker}`);
    }
  });
  await check("notices of what is bundled", () => {
    const notices = join(alone, "node_modules/machineid-io/dist/THIRD_PARTY_NOTICES.md");
    const text = readFileSync(notices, "utf8");
    for (const name of ["fastify", "pino", "citty"]) {
      ensure(text.includes(`## ${name} `), `${name} is missing`);
    }
  });
  for (const entry of ["", "/authority", "/testing", "/ai-sdk", "/mastra", "/claude-agent"]) {
    await check(
      `import machineid-io${entry} with no framework installed`,
      () =>
        void evaluate(
          alone,
          `process.exit(Object.keys(await import("machineid-io${entry}")).length > 0 ? 0 : 1)`,
        ),
    );
  }
  await check("machineid --version", () =>
    run("npx", ["--no-install", "machineid", "--version"], alone).trim(),
  );
  await check("machineid serve, and a guard against it", () => serveFrom(alone));
  await check("machineid demo says which frameworks are missing and runs the rest", () => {
    const output = run("npx", ["--no-install", "machineid", "demo", "--json"], alone);
    const { sideEffectsAfterRevoke } = JSON.parse(output) as { sideEffectsAfterRevoke: number };
    ensure(sideEffectsAfterRevoke === 0, output);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
