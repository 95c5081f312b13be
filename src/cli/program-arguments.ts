import { UsageError } from "./exit-code.ts";

/** Of a command that takes another program's command line behind `--`. */

/** What is the command's own. */
export function ownArguments(rawArgs: readonly string[]): readonly string[] {
  return rawArgs.includes("--") ? rawArgs.slice(0, rawArgs.indexOf("--")) : rawArgs;
}

/** The program and its arguments. */
export function programArguments(rawArgs: readonly string[]): readonly string[] {
  return rawArgs.includes("--") ? rawArgs.slice(rawArgs.indexOf("--") + 1) : [];
}

/** Everything that is no option stands behind `--`. @throws {@link UsageError} */
export function refuseOthers(
  positionals: readonly string[],
  rawArgs: readonly string[],
  what: string,
): void {
  if (positionals.length <= programArguments(rawArgs).length) return;
  throw new UsageError(
    `There is an argument too many: ${JSON.stringify(positionals[0])}. ${what} goes behind --`,
  );
}

/** A program's environment: all of this process's, but for the keys, which are none of its business. */
export function programEnv(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^MACHINEID_.*KEY$/.test(name));
  return Object.fromEntries(own);
}
