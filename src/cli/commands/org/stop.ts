import { defineCommand } from "citty";
import { expectDone } from "../../answer.ts";
import { REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showOrgState } from "../../org-state.ts";
import { readWaiting, tellStop, WAITING_ARGUMENTS } from "../../waiting.ts";

/** `machineid org stop` */
export const command = defineCommand({
  meta: { name: "stop", description: "Deny every device of the key's org, new ones too" },
  args: { ...REASON_ARGUMENT, ...WAITING_ARGUMENTS, ...CONNECTION_ARGUMENTS },
  async run({ args }): Promise<ExitCode> {
    const asked = { reason: args.reason, ...readWaiting(args) };
    const answer = await connect(args).request("stopOrg", asked);
    const body = expectDone(answer, "Stopping the org");
    showOrgState(body, args.json === true);
    return tellStop(body, args, args.json === true);
  },
});
