import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The entry of the command line, as a user's shell would start it. */
export const CLI = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the process reads on stdin; without it, stdin is empty. */
  readonly input?: string;
  /** Leaves stdin open, for the test to write to. */
  readonly keepStdinOpen?: boolean;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the command line. */
export interface Running {
  readonly process: ChildProcess;
  /** Resolves with the first whole line on stdout; rejects when the process ends before. */
  firstLine(): Promise<string>;
  /** Resolves when stdout has matched. */
  until(pattern: RegExp): Promise<void>;
  /** Resolves when stderr has matched. */
  untilError(pattern: RegExp): Promise<void>;
  finished: Promise<Finished>;
}

/** The environment of this process, without anything that the command line reads. */
export function cleanEnv(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(?:MACHINEID_|NODE_OPTIONS$|FORCE_COLOR$|VITEST)/.test(name),
  );
  return { ...Object.fromEntries(own), NO_COLOR: "1", ...extra };
}

export function startCli(args: readonly string[], options: SpawnOptions = {}): Running {
  return startProgram(process.execPath, [CLI, ...args], options);
}

export function startProgram(
  program: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Running {
  const child = spawn(program, args, {
    env: cleanEnv(options.env),
    cwd: options.cwd ?? tmpdir(),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  const changed = (): void => watchers.forEach((watcher) => watcher());
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    changed();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    changed();
  });
  child.stdin.on("error", () => undefined);
  if (options.keepStdinOpen !== true) child.stdin.end(options.input ?? "");
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const matching = (pattern: RegExp, output: () => string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(output())) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
      finished
        .then(() => reject(new Error(`ended before ${String(pattern)}: ${stdout}${stderr}`)))
        .catch(reject);
    });
  const until = (pattern: RegExp): Promise<void> => matching(pattern, () => stdout);
  const untilError = (pattern: RegExp): Promise<void> => matching(pattern, () => stderr);
  const firstLine = async (): Promise<string> => {
    await until(/\n/);
    return stdout.slice(0, stdout.indexOf("\n"));
  };
  return { process: child, firstLine, until, untilError, finished };
}

/** Runs the command line to its end. */
export function runCli(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  return startCli(args, options).finished;
}

export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly ownerKey: string;
  readonly adminKey: string;
  readonly pid: number;
  readonly running: Running;
  /** What a command needs to talk to it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Runs `serve` on a free port until it is disposed of. */
export async function startServe(database: string, options: SpawnOptions = {}): Promise<Served> {
  const running = startCli(["serve", "--port", "0", "--db", database, "--json"], options);
  const { url, ownerKey, adminKey, pid } = JSON.parse(await running.firstLine()) as {
    url: string;
    ownerKey: string;
    adminKey: string;
    pid: number;
  };
  return {
    url,
    ownerKey,
    adminKey,
    pid,
    running,
    env: {
      MACHINEID_BASE_URL: url,
      MACHINEID_ORG_KEY: ownerKey,
      MACHINEID_ADMIN_KEY: adminKey,
    },
    async [Symbol.asyncDispose]() {
      running.process.kill("SIGTERM");
      await running.finished;
    },
  };
}

export interface TemporaryDirectory extends Disposable {
  readonly path: string;
  file(name: string): string;
}

/** A directory that goes when its block ends. */
export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), "machineid-test-"));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
