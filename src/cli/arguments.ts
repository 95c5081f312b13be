import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import { MAX_OVERLAP_MS, planSchema } from "../wire/index.ts";
import type { Plan } from "../wire/index.ts";
import { CommandError, EXIT, UsageError } from "./exit-code.ts";

/** Options that every command has. */
export const COMMON_ARGUMENTS = {
  json: { type: "boolean", description: "Answer for programs: one JSON value on stdout" },
  debug: { type: "boolean", description: "Show stacks of errors" },
} as const satisfies ArgsDef;

/** A positional argument of this name, as the last one, takes any number of values. */
export const REPEATED = "more";

const DECLARED_TYPES = new Set(["boolean", "string", "enum"]);

/**
 * Refuses what a command does not know. The parser of the command line takes
 * anything; a misspelt option must not be passed over in silence.
 *
 * @throws {@link UsageError}
 */
export function refuseUnknownArguments(rawArgs: readonly string[], definition: ArgsDef): void {
  const options: Record<string, { type: "boolean" | "string"; short?: string }> = {};
  const positionals: string[] = [];
  for (const [name, argument] of Object.entries(definition)) {
    if (!DECLARED_TYPES.has(argument.type ?? "")) {
      positionals.push(name);
      continue;
    }
    const aliases = "alias" in argument ? [argument.alias ?? []].flat() : [];
    const short = aliases.find((alias) => alias.length === 1);
    const type = argument.type === "boolean" ? "boolean" : "string";
    options[name] = { type, ...(short === undefined ? {} : { short }) };
  }
  const given = parseStrictly(rawArgs, options);
  if (given.length > positionals.length && positionals.at(-1) !== REPEATED) {
    const surplus = given[positionals.length] ?? "";
    throw new UsageError(`There is an argument too many: ${JSON.stringify(surplus)}`);
  }
  const missing = positionals
    .slice(given.length)
    .find((name) => definition[name]?.required !== false);
  if (missing !== undefined)
    throw new UsageError(`The argument ${missing.toUpperCase()} is missing`);
  for (const [name, argument] of Object.entries(definition)) {
    const isMissing = argument.required === true && options[name] !== undefined;
    if (isMissing && !rawArgs.some((raw) => raw === `--${name}` || raw.startsWith(`--${name}=`))) {
      throw new UsageError(`The option --${name} is missing`);
    }
  }
}

function parseStrictly(
  rawArgs: readonly string[],
  options: Record<string, { type: "boolean" | "string"; short?: string }>,
): readonly string[] {
  try {
    return parseArgs({ args: [...rawArgs], options, allowPositionals: true }).positionals;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(text.split(/\. To specify|\n/)[0] ?? text);
  }
}

/** @throws {@link UsageError} */
export function readInteger(text: string, name: string, minimum: number, maximum: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= minimum && value <= maximum) return value;
  throw new UsageError(
    `${name} must be a whole number from ${minimum} to ${maximum}, not ${JSON.stringify(text)}`,
  );
}

/** @throws {@link UsageError} */
export function readPlan(text: string, name = "--plan"): Plan {
  const parsed = planSchema.safeParse(/^\d{1,16}$/.test(text) ? Number(text) : text);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `${name} must be free, pro, scale, max, unlimited or a number of devices, not ${JSON.stringify(text)}`,
  );
}

const DURATION = /^(\d{1,9})(s|m|h|d)$/;
const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration like `90s`, `15m`, `12h` or `30d`, in milliseconds. @throws {@link UsageError} */
export function readDuration(text: string, name: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (unit !== undefined) return Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
  throw new UsageError(
    `${name} must be a duration like 90s, 15m, 12h or 30d, not ${JSON.stringify(text)}`,
  );
}

/** Option of every command that changes something. */
export const REASON_ARGUMENT = {
  reason: {
    type: "string",
    description: "Why, for the audit",
    valueHint: "TEXT",
  },
} as const satisfies ArgsDef;

/** Option of every command that replaces a key. */
export const OVERLAP_ARGUMENT = {
  overlap: {
    type: "string",
    description: "For how long the old key works on, for example 15m, 12h or 0s",
    default: "1h",
    valueHint: "DURATION",
  },
} as const satisfies ArgsDef;

/** What {@link OVERLAP_ARGUMENT} says, in milliseconds. @throws {@link UsageError} */
export function readOverlap({ overlap }: { readonly overlap: string }): number {
  const overlapMs = readDuration(overlap, "--overlap");
  if (overlapMs > MAX_OVERLAP_MS) throw new UsageError("--overlap must be at most 30d");
  return overlapMs;
}

/** A key from a file that holds nothing else. @throws {@link CommandError} */
export function readKeyFile(path: string): string {
  let content: string;
  try {
    content = readFileSync(path, "utf8").trim();
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw keyFileError(`The key file ${path} cannot be read: ${reason}`);
  }
  if (content !== "") return content;
  throw keyFileError(`The key file ${path} is empty. Put the key in it, alone on one line`);
}

const keyFileError = (message: string): CommandError =>
  new CommandError(message, { exitCode: EXIT.error, code: "KEY_FILE_UNREADABLE" });
