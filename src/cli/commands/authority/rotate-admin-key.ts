import { defineCommand } from "citty";
import { MAX_OVERLAP_MS, newAdminKeyAnswerSchema } from "../../../wire/index.ts";
import { ADMIN_ARGUMENTS, askAsAdmin } from "../../admin-client.ts";
import { expectDone } from "../../answer.ts";
import { readDuration, REASON_ARGUMENT } from "../../arguments.ts";
import { EXIT, UsageError } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { paint, print, printable, printJson } from "../../output.ts";

/** `machineid authority rotate-admin-key` */
export const command = defineCommand({
  meta: {
    name: "rotate-admin-key",
    description: "Make another administrator's key; the one in use ends after an overlap",
  },
  args: {
    overlap: {
      type: "string",
      description: "For how long the old key works on, for example 15m, 12h or 0s",
      default: "1h",
      valueHint: "DURATION",
    },
    ...REASON_ARGUMENT,
    ...ADMIN_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const overlapMs = readDuration(args.overlap, "--overlap");
    if (overlapMs > MAX_OVERLAP_MS) throw new UsageError("--overlap must be at most 30d");
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
