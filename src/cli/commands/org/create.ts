import { defineCommand } from "citty";
import { createOrgAnswerSchema } from "../../../wire/index.ts";
import { ADMIN_ARGUMENTS, askAsAdmin } from "../../admin-client.ts";
import { expectDone } from "../../answer.ts";
import { readPlan } from "../../arguments.ts";
import { EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { paint, print, printable, printJson } from "../../output.ts";

/** `machineid org create` */
export const command = defineCommand({
  meta: { name: "create", description: "Make an org; its owner key is shown once" },
  args: {
    name: { type: "string", description: "What the org is called", valueHint: "NAME" },
    plan: {
      type: "string",
      description: "free, pro, scale, max, unlimited, or a number of devices",
      default: "unlimited",
      valueHint: "PLAN",
    },
    ...ADMIN_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const answer = await askAsAdmin(args, "createOrg", {
      plan: readPlan(args.plan),
      ...(args.name === undefined ? {} : { name: args.name }),
    });
    const body = expectDone(answer, "Making the org");
    const known = createOrgAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else {
      const { orgId, orgApiKey } = known.data;
      if (orgId !== undefined) print(`Org        ${paint("bold", printable(orgId))}`);
      print(`Owner key  ${paint("yellow", printable(orgApiKey))}`);
      print("Store the key now: it is shown this once.");
    }
    return EXIT.ok;
  },
});
