import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { SHELL_ENV } from "./members.ts";

/** A command line. */
export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

export interface StartOptions extends CommandLine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
}

/**
 * A mark that whatever a program starts inherits, that no change of environment,
 * session or parent takes away, and that everybody may read: a number as the limit
 * of file locks, which Linux has kept since 2.4 and does not apply to anything.
 */
export interface Mark {
  /** What the number begins with, for all of the tree. */
  readonly digits: string;
  /** A command line that starts a program with the mark, as its own process. */
  wrap(program: CommandLine): CommandLine;
}

/** Digits of a tree, those of a tree within it, and of both. */
const OWN = 12;
const INNER = 7;
const ALL = OWN + INNER;
/** A tree that may have another one within it. */
const OPEN = "9".repeat(INNER);
const LIMIT = /^Max file locks +(\d+|unlimited) +(\d+|unlimited)/m;

const run = promisify(execFile);

/**
 * Makes a mark, where it can be set and read: on Linux, with `prlimit` of
 * util-linux. A tree within a tree keeps the mark of the outer one as the
 * beginning of its own; one further inside has none.
 *
 * @param env what the program is to be started with
 */
export async function findMark(env: StartOptions["env"]): Promise<Mark | undefined> {
  if (process.platform !== "linux") return undefined;
  const tool = findExecutable("prlimit", SHELL_ENV.PATH, "/").path;
  const digits = chooseDigits();
  if (tool === undefined || digits === undefined) return undefined;
  const value = digits.padEnd(ALL, OPEN);
  const prefix = [`--locks=${value}:${value}`, "--"];
  const wrap = ({ command, args }: CommandLine): CommandLine => ({
    command: tool,
    args: [...prefix, command, ...args],
  });
  // In a sandbox it may be forbidden, or not be shown.
  const probe = wrap({ command: "cat", args: ["/proc/self/limits"] });
  const probed = await run(probe.command, [...probe.args], {
    env: { ...env, PATH: SHELL_ENV.PATH },
  }).catch(() => undefined);
  const isSet = LIMIT.exec(probed?.stdout ?? "")?.[2] === value;
  return isSet ? { digits, wrap } : undefined;
}

function chooseDigits(): string | undefined {
  const [, , limit] = LIMIT.exec(readOwnLimits()) ?? [];
  if (limit === "unlimited") return randomDigits(OWN);
  // Not one of these: somebody meant it.
  if (limit?.length !== ALL || !limit.endsWith(OPEN)) return undefined;
  return limit.slice(0, OWN) + randomDigits(INNER);
}

function readOwnLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}

/** The first is no 0, and the last no 9, so that what follows can be told from it. */
function randomDigits(count: number): string {
  const digits = Array.from({ length: count - 2 }, () => randomInt(10));
  return [randomInt(1, 10), ...digits, randomInt(9)].join("");
}

/**
 * Looks for a program as the system will, before something else is started that is
 * to become it, and whose end would say nothing about the reason.
 *
 * @throws `ENOENT` or `EACCES`, as starting it would
 */
export function refuseMissing({ command, env, cwd }: StartOptions): void {
  const { code } = findExecutable(command, env["PATH"] ?? "/usr/bin:/bin", cwd ?? process.cwd());
  if (code === undefined) return;
  throw Object.assign(new Error(`spawn ${command} ${code}`), { code, path: command });
}

function findExecutable(
  command: string,
  path: string,
  cwd: string,
): { readonly path?: string; readonly code?: "ENOENT" | "EACCES" } {
  const places = command.includes("/") ? [""] : path.split(delimiter);
  let code: "ENOENT" | "EACCES" = "ENOENT";
  for (const place of command === "" ? [] : places) {
    const candidate = resolve(cwd, join(place, command));
    try {
      if (!statSync(candidate).isFile()) throw new Error("it is no file");
      accessSync(candidate, constants.X_OK);
      return { path: candidate };
    } catch (error) {
      const why = error instanceof Error && "code" in error ? error.code : "EACCES";
      if (why === "EACCES") code = "EACCES";
    }
  }
  return { code };
}
