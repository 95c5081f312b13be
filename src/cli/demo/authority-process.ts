import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { CommandError, EXIT } from "../exit-code.ts";

/** This command line, as it was started. */
function spawnSelf(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MACHINEID_"));
  return spawn(process.execPath, [process.argv[1] ?? "", ...args], {
    env: { ...Object.fromEntries(own), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** An authority in a process of its own. */
export interface AuthorityProcess {
  readonly url: string;
  readonly ownerKey: string;
  readonly pid: number;
  /** Ends it, and resolves when it is gone. */
  end(): Promise<void>;
}

/** Starts an authority on a database. It ends when this process does, however that ends. */
export async function startAuthority(
  database: string,
  signal: AbortSignal,
): Promise<AuthorityProcess> {
  const args = ["serve", "--port", "0", "--db", database, "--json", "--log-level", "error"];
  const child = spawnSelf([...args, "--stop-with-stdin"], {});
  const ended = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  try {
    const { url, ownerKey, pid } = JSON.parse(await firstLine(child, signal)) as AuthorityProcess;
    return { url, ownerKey, pid, end };
  } catch (error) {
    await end();
    throw error;
  }
}

export interface CommandAnswer {
  /** The answer of the authority, as the command printed it. */
  readonly body: Readonly<Record<string, unknown>>;
  /** When the answer was there, in milliseconds since the epoch. */
  readonly answeredAtMs: number;
}

/** Runs another command of this command line, in another process, as a person would. */
export async function runElsewhere(
  args: readonly string[],
  { url, ownerKey }: AuthorityProcess,
  signal: AbortSignal,
): Promise<CommandAnswer> {
  const env = { MACHINEID_BASE_URL: url, MACHINEID_ORG_KEY: ownerKey };
  const child = spawnSelf([...args, "--json"], env);
  const ended = once(child, "exit");
  let line: string;
  let answeredAtMs: number;
  try {
    line = await firstLine(child, signal);
    answeredAtMs = Date.now();
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  const [code] = (await ended) as [number | null];
  if (code !== EXIT.ok)
    throw failure(`machineid ${args.join(" ")} ended with ${code ?? "a signal"}`);
  return { body: JSON.parse(line) as Record<string, unknown>, answeredAtMs };
}

async function firstLine(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw failure("a child process has no output");
  let words = "";
  stderr.setEncoding("utf8").on("data", (text: string) => (words += text));
  const lines = createInterface({ input: stdout });
  const nothing = once(child, "close", { signal }).then(() => undefined);
  const line = await Promise.race([once(lines, "line", { signal }), nothing]);
  const [text] = (line ?? []) as [string?];
  if (text === undefined) throw failure(`a child process gave no answer: ${words.trim()}`);
  return text;
}

const failure = (message: string): CommandError =>
  new CommandError(`The demo failed: ${message}`, { exitCode: EXIT.error, code: "DEMO_FAILED" });
