import { defineCommand } from "citty";
import { expectDone } from "../../answer.ts";
import { REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showOrgState } from "../../org-state.ts";

/** `machineid org stop` */
export const command = defineCommand({
  meta: { name: "stop", description: "Deny every device of the key's org, new ones too" },
  args: { ...REASON_ARGUMENT, ...CONNECTION_ARGUMENTS },
  async run({ args }): Promise<ExitCode> {
    const answer = await connect(args).request("stopOrg", { reason: args.reason });
    return showOrgState(expectDone(answer, "Stopping the org"), args.json === true);
  },
});
