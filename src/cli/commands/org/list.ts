import { defineCommand } from "citty";
import { listOrgsAnswerSchema } from "../../../wire/index.ts";
import { ADMIN_ARGUMENTS, askAsAdmin } from "../../admin-client.ts";
import { expectDone } from "../../answer.ts";
import { EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { print, printable, printJson, table } from "../../output.ts";
import { describePlan } from "../../plan.ts";

/** `machineid org list` */
export const command = defineCommand({
  meta: { name: "list", description: "List all orgs and their plans" },
  args: ADMIN_ARGUMENTS,
  async run({ args }): Promise<ExitCode> {
    const body = expectDone(await askAsAdmin(args, "listOrgs"), "Listing the orgs");
    const known = listOrgsAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else {
      const rows = known.data.orgs.map((org) => [
        printable(org.orgId),
        printable(org.name),
        describePlan(org),
      ]);
      print(table([["ORG", "NAME", "PLAN"], ...rows]));
    }
    return EXIT.ok;
  },
});
