import { defineCommand } from "citty";
import { usageAnswerSchema } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { print, printJson } from "../output.ts";
import { describePlan } from "../plan.ts";

/** `machineid usage` */
export const command = defineCommand({
  meta: { name: "usage", description: "Show the plan and how much of it is in use" },
  args: CONNECTION_ARGUMENTS,
  async run({ args }): Promise<ExitCode> {
    const body = expectDone(await connect(args).request("usage"), "Reading the usage");
    const known = usageAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else print(describePlan(known.data));
    return EXIT.ok;
  },
});
