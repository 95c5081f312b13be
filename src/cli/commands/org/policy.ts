import { defineCommand } from "citty";
import { expectDone } from "../../answer.ts";
import { REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import { UsageError } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showOrgState } from "../../org-state.ts";

/** `machineid org policy` */
export const command = defineCommand({
  meta: { name: "policy", description: "Say whether restores in the key's org need two keys" },
  args: {
    "two-person-restore": {
      type: "string",
      required: true,
      description: "on: one key asks for a restore, and another confirms it; or off",
      valueHint: "on|off",
    },
    ...REASON_ARGUMENT,
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const setting = args["two-person-restore"];
    if (setting !== "on" && setting !== "off") {
      throw new UsageError(
        `--two-person-restore must be on or off, not ${JSON.stringify(setting)}`,
      );
    }
    const body = { twoPersonRestore: setting === "on", reason: args.reason };
    const answer = await connect(args).request("setOrgPolicy", body);
    return showOrgState(expectDone(answer, "Setting the policy"), args.json === true);
  },
});
