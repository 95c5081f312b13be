import { defineCommand } from "citty";
import { rotateSigningKeyAnswerSchema } from "../../../wire/index.ts";
import { ADMIN_ARGUMENTS, askAsAdmin } from "../../admin-client.ts";
import { expectDone } from "../../answer.ts";
import { readInteger } from "../../arguments.ts";
import { EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { paint, print, printable, printJson } from "../../output.ts";

const MAX_HOURS = 8_760;

/** `machineid authority rotate-key` */
export const command = defineCommand({
  meta: {
    name: "rotate-key",
    description: "Replace the key that signs receipts and audit checkpoints",
  },
  args: {
    "overlap-hours": {
      type: "string",
      description:
        "Hours in which clients can learn the new key before it signs; 0 if the old one was stolen",
      default: "24",
      valueHint: "HOURS",
    },
    ...ADMIN_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const hours = readInteger(args["overlap-hours"], "--overlap-hours", 0, MAX_HOURS);
    const answer = await askAsAdmin(args, "rotateSigningKey", { overlap_hours: hours });
    const body = expectDone(answer, "Rotating the signing key");
    const known = rotateSigningKeyAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else {
      const { kid, signsFrom, publishedUntil } = known.data;
      print(
        `${paint("bold", printable(kid))} signs from ${printable(signsFrom)}; ` +
          `the keys before it are published until ${printable(publishedUntil)}`,
      );
    }
    return EXIT.ok;
  },
});
