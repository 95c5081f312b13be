import { defineCommand } from "citty";
import { newAdminKeyAnswerSchema } from "../../../wire/index.ts";
import { ADMIN_ARGUMENTS, askAsAdmin } from "../../admin-client.ts";
import { expectDone } from "../../answer.ts";
import { OVERLAP_ARGUMENT, readOverlap, REASON_ARGUMENT } from "../../arguments.ts";
import { EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { paint, print, printable, printJson } from "../../output.ts";

/** `machineid authority rotate-admin-key` */
export const command = defineCommand({
  meta: {
    name: "rotate-admin-key",
    description: "Make another administrator's key; the one in use ends after an overlap",
  },
  args: {
    ...OVERLAP_ARGUMENT,
    ...REASON_ARGUMENT,
    ...ADMIN_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const overlapMs = readOverlap(args);
    const asked = { overlap_ms: overlapMs, reason: args.reason };
    const answer = await askAsAdmin(args, "rotateAdminKey", asked);
    const body = expectDone(answer, "Rotating the administrator's key");
    const known = newAdminKeyAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else {
      const { secret, keyId, oldExpiresAt } = known.data;
      print(`Id    ${paint("bold", printable(keyId))}`);
      print(`Key   ${paint("yellow", printable(secret))}`);
      print(`The old key ends at ${printable(oldExpiresAt)}.`);
      print("Store the key now: it is shown this once.");
    }
    return EXIT.ok;
  },
});
