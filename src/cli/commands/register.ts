import { defineCommand } from "citty";
import { checkDeviceId } from "../../client/index.ts";
import { readRegistration, registerAnswerSchema } from "../../wire/index.ts";
import { failed } from "../answer.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { paint, print, printable, printError, printJson } from "../output.ts";

/** `machineid register DEVICE` */
export const command = defineCommand({
  meta: { name: "register", description: "Register a device; never restores a revoked one" },
  args: {
    device: { type: "positional", description: "Device id, for example worker:prod:mailer:07" },
    owner: {
      type: "string",
      description: "Under whom: only keys of that owner, or of the org's, may restore it",
      valueHint: "NAME",
    },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const deviceId = checkDeviceId(args.device);
    const answer = await connect(args).request("register", { deviceId, owner: args.owner });
    const verdict = readRegistration(answer.status, answer.body);
    if (verdict.outcome === "unavailable")
      throw failed(answer, `Registering ${printable(deviceId)}`);
    if (args.json === true) printJson(answer.body);
    else if (verdict.outcome === "denied") {
      const request = verdict.requestId === undefined ? "" : `  request ${verdict.requestId}`;
      print(`${paint("red", "blocked")}  ${printable(deviceId)}  ${verdict.code}${request}`);
    } else {
      const details = registerAnswerSchema.safeParse(answer.body);
      const isNew = details.data?.status === "ok";
      const word = isNew ? "registered" : "was registered already";
      print(`${paint("green", printable(deviceId))} ${word}${placesOf(details.data)}`);
    }
    if (verdict.outcome === "allowed") return EXIT.ok;
    const mend = BLOCK_MENDS[verdict.code];
    if (mend !== undefined) printError(`machineid: ${mend}`);
    return EXIT.denied;
  },
});

const BLOCK_MENDS: Readonly<Partial<Record<string, string>>> = {
  DEVICE_REVOKED: "The device is revoked. Only machineid unrevoke restores it",
  DEVICE_LIMIT_REACHED:
    "The plan has no free place. Revoke or remove a device, or ask for a larger plan",
};

function placesOf(answer: { limit: number | null; devicesUsed: number } | undefined): string {
  if (answer === undefined) return "";
  const { limit, devicesUsed } = answer;
  return limit === null ? ` (${devicesUsed} in use)` : ` (${devicesUsed} of ${limit} in use)`;
}
