import { InvalidArgumentError } from "../../src/index.ts";

const READING_TOOLS = ["validate_device", "list_devices", "get_device", "get_usage"] as const;

/** Every tool there is; `stop_org` and `resume_org` are offered where the authority has them. */
export const MACHINEID_TOOLS = [
  ...READING_TOOLS,
  "register_device",
  "revoke_device",
  "revoke_devices",
  "unrevoke_device",
  "unrevoke_devices",
  "remove_device",
  "stop_org",
  "resume_org",
] as const;

export type MachineIDToolName = (typeof MACHINEID_TOOLS)[number];

export interface ToolChoice {
  /**
   * Offers these tools and no others.
   *
   * @default all of {@link MACHINEID_TOOLS}
   */
  readonly tools?: readonly string[] | undefined;
  /** Leaves out every tool that changes something. @default false */
  readonly readOnly?: boolean | undefined;
}

const isIn = <Name extends string>(names: readonly Name[], name: string): name is Name =>
  names.some((known) => known === name);

/**
 * The tools that are to be offered.
 *
 * @throws {@link InvalidArgumentError} `OPTION_INVALID` for a name that is no tool's, for a tool
 * that changes something where nothing may, and for a choice of nothing
 */
export function chooseTools({ tools, readOnly }: ToolChoice): ReadonlySet<MachineIDToolName> {
  const possible: readonly MachineIDToolName[] =
    readOnly === true ? READING_TOOLS : MACHINEID_TOOLS;
  if (tools === undefined) return new Set(possible);
  if (tools.length === 0) throw invalid("No tool is named");
  return new Set(
    tools.map((name) => {
      if (isIn(possible, name)) return name;
      throw isIn(MACHINEID_TOOLS, name)
        ? invalid(`The tool ${name} changes something, which readOnly leaves out`)
        : invalid(`There is no tool ${JSON.stringify(name)}`);
    }),
  );
}

const invalid = (problem: string): InvalidArgumentError =>
  new InvalidArgumentError(
    "OPTION_INVALID",
    `${problem}. The tools that only read are ${READING_TOOLS.join(", ")}; the others are ${MACHINEID_TOOLS.slice(READING_TOOLS.length).join(", ")}`,
  );
