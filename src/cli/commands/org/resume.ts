import { defineCommand } from "citty";
import { expectDone } from "../../answer.ts";
import { REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showOrgState } from "../../org-state.ts";

/** `machineid org resume` */
export const command = defineCommand({
  meta: { name: "resume", description: "End the stop of the key's org" },
  args: { ...REASON_ARGUMENT, ...CONNECTION_ARGUMENTS },
  async run({ args }): Promise<ExitCode> {
    const answer = await connect(args).request("resumeOrg", { reason: args.reason });
    return showOrgState(expectDone(answer, "Resuming the org"), args.json === true);
  },
});
