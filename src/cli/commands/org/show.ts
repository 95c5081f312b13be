import { defineCommand } from "citty";
import { expectDone } from "../../answer.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showOrgState } from "../../org-state.ts";

/** `machineid org show` */
export const command = defineCommand({
  meta: { name: "show", description: "Show whether the key's org is stopped" },
  args: CONNECTION_ARGUMENTS,
  async run({ args }): Promise<ExitCode> {
    const answer = await connect(args).request("readOrg");
    return showOrgState(expectDone(answer, "Reading the org"), args.json === true);
  },
});
