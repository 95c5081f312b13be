import { defineCommand } from "citty";
import { checkDeviceId } from "../../client/index.ts";
import { expectDone } from "../answer.ts";
import { REASON_ARGUMENT } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { paint, print, printable, printJson } from "../output.ts";

/** `machineid remove DEVICE` */
export const command = defineCommand({
  meta: { name: "remove", description: "Delete a device; its checks are then denied" },
  args: {
    device: { type: "positional", description: "Device id" },
    ...REASON_ARGUMENT,
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const deviceId = checkDeviceId(args.device);
    const answer = await connect(args).request("remove", { deviceId, reason: args.reason });
    const body = expectDone(answer, `Removing ${printable(deviceId)}`);
    if (args.json === true) printJson(body);
    else print(`${paint("bold", printable(deviceId))} removed`);
    return EXIT.ok;
  },
});
