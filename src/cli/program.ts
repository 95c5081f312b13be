import { defineCommand, renderUsage, runCommand } from "citty";
import type { ArgsDef, SubCommandsDef } from "citty";
import { refuseUnknownArguments } from "./arguments.ts";
import { EXIT, UsageError } from "./exit-code.ts";
import { forStdout, print, printError } from "./output.ts";
import { CLI_VERSION } from "./version.ts";

/** Each is loaded when it is run, so that a command starts as fast as it can. */
const subCommands: SubCommandsDef = {
  demo: () => import("./commands/demo.ts").then(({ command }) => command),
  serve: () => import("./commands/serve.ts").then(({ command }) => command),
  register: () => import("./commands/register.ts").then(({ command }) => command),
  validate: () => import("./commands/validate.ts").then(({ command }) => command),
  list: () => import("./commands/list.ts").then(({ command }) => command),
  revoke: () => import("./commands/revoke.ts").then(({ command }) => command),
  unrevoke: () => import("./commands/unrevoke.ts").then(({ command }) => command),
  remove: () => import("./commands/remove.ts").then(({ command }) => command),
  stops: () => import("./commands/stops.ts").then(({ command }) => command),
  usage: () => import("./commands/usage.ts").then(({ command }) => command),
  keys: () => import("./commands/keys.ts").then(({ command }) => command),
  org: () => import("./commands/org.ts").then(({ command }) => command),
  migrate: () => import("./commands/migrate.ts").then(({ command }) => command),
  doctor: () => import("./commands/doctor.ts").then(({ command }) => command),
  backup: () => import("./commands/backup.ts").then(({ command }) => command),
  conformance: () => import("./commands/conformance.ts").then(({ command }) => command),
  mcp: () => import("./commands/mcp.ts").then(({ command }) => command),
  hook: () => import("./commands/hook.ts").then(({ command }) => command),
  audit: () => import("./commands/audit.ts").then(({ command }) => command),
  authority: () => import("./commands/authority.ts").then(({ command }) => command),
  gate: () => import("./commands/gate.ts").then(({ command }) => command),
  exec: () => import("./commands/exec.ts").then(({ command }) => command),
  drill: () => import("./commands/drill.ts").then(({ command }) => command),
  canary: () => import("./commands/canary.ts").then(({ command }) => command),
  top: () => import("./commands/top.ts").then(({ command }) => command),
};

const root = defineCommand({
  meta: {
    name: "machineid",
    version: CLI_VERSION,
    description: "Stop AI agents: decide from outside whether they may work",
  },
  subCommands,
});

const HELP = new Set(["--help", "-h"]);
const VERSION = new Set(["--version", "-v"]);

/**
 * Runs one command line.
 *
 * @returns one of {@link EXIT}; of `exec`, the program's own
 * @throws {@link CommandError} and what the command throws
 */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const wantsHelp = optionsOf(argv).some((raw) => HELP.has(raw)) || argv[0] === "help";
  const { command, path, rest } = await findCommand(argv[0] === "help" ? argv.slice(1) : argv);
  if (wantsHelp) {
    print(forStdout(await usageOf(command, path)));
    // Where 0 means allowed, a device id that looks like an option must not bring it.
    return path[0] === "validate" && argv[0] !== "help" ? EXIT.usage : EXIT.ok;
  }
  if (path.length === 0 && rest.length === 1 && VERSION.has(rest[0] ?? "")) {
    print(CLI_VERSION);
    return EXIT.ok;
  }
  if (command.subCommands !== undefined) {
    const [first] = rest;
    const name = ["machineid", ...path].join(" ");
    if (first?.startsWith("-") === true) {
      throw new UsageError(
        `Unknown option ${first}; options go after the command. See ${name} --help`,
      );
    }
    if (first !== undefined) {
      throw new UsageError(`Unknown command ${JSON.stringify(first)}. See ${name} --help`);
    }
    printError(forStdout(await usageOf(command, path)));
    return EXIT.usage;
  }
  const definition: ArgsDef = await resolve(command.args ?? {});
  try {
    refuseUnknownArguments(rest, definition);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}. See machineid ${path.join(" ")} --help`);
  }
  const { result } = await runCommand(command, { rawArgs: [...rest] });
  return result as number;
}

type AnyCommand = Extract<Awaited<SubCommandsDef[string]>, { meta?: unknown }>;

interface Found {
  readonly command: AnyCommand;
  readonly path: readonly string[];
  readonly rest: readonly string[];
}

async function findCommand(argv: readonly string[]): Promise<Found> {
  let command: AnyCommand = root;
  const path: string[] = [];
  let rest = argv;
  for (;;) {
    const known: SubCommandsDef = (await resolve(command.subCommands)) ?? {};
    const [name] = rest;
    if (name === undefined || !Object.hasOwn(known, name)) return { command, path, rest };
    command = (await resolve(known[name])) as AnyCommand;
    path.push(name);
    rest = rest.slice(1);
  }
}

async function usageOf(command: AnyCommand, path: readonly string[]): Promise<string> {
  const parent = {
    meta: { name: ["machineid", ...path.slice(0, -1)].join(" "), version: CLI_VERSION },
  };
  const usage = await renderUsage(command, path.length === 0 ? undefined : parent);
  return usage.replaceAll(/ +$/gm, "").trimEnd();
}

/** What comes before `--`, behind which nothing is an option. */
function optionsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end === -1 ? argv : argv.slice(0, end);
}

function resolve<T>(value: T | Promise<T> | (() => T) | (() => Promise<T>)): T | Promise<T> {
  return typeof value === "function" ? (value as () => T | Promise<T>)() : value;
}
