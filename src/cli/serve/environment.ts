import type { ArgsDef } from "citty";
import { COMMON_ARGUMENTS } from "../arguments.ts";
import { fromEnv } from "../connection.ts";
import { UsageError } from "../exit-code.ts";

/** The variable that stands for an option of `serve` where the option is not given. */
export const variableOf = (option: string): string =>
  `MACHINEID_${option.toUpperCase().replaceAll("-", "_")}`;

/** An option of `serve`, as messages name it. */
export const named = (option: string): string => `--${option} (or ${variableOf(option)})`;

/** Options that shape what this one call prints, and configure nothing. */
export const isConfiguration = (option: string): boolean =>
  !Object.hasOwn(COMMON_ARGUMENTS, option);

const SWITCHES: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  on: true,
  "0": false,
  false: false,
  no: false,
  off: false,
};

/**
 * Fills in from the environment what the command line leaves out. An empty
 * variable is as good as none.
 *
 * @throws {@link UsageError} for a switch that is neither on nor off
 */
export function withEnvironment<Arguments extends object>(
  given: Arguments,
  definition: ArgsDef,
  rawArgs: readonly string[],
): Arguments {
  const found: Record<string, string | boolean> = {};
  for (const [option, { type }] of Object.entries(definition)) {
    const isGiven = rawArgs.some((raw) => raw === `--${option}` || raw.startsWith(`--${option}=`));
    const value = fromEnv(variableOf(option));
    if (isGiven || value === undefined || !isConfiguration(option)) continue;
    found[option] = type === "boolean" ? readSwitch(option, value) : value;
  }
  return { ...given, ...found };
}

function readSwitch(option: string, value: string): boolean {
  const known = SWITCHES[value.toLowerCase()];
  if (known !== undefined) return known;
  throw new UsageError(
    `${variableOf(option)} must be one of ${Object.keys(SWITCHES).join(", ")}, not ${JSON.stringify(value)}`,
  );
}
