import { defineCommand } from "citty";
import { listDevicesAnswerSchema } from "../../wire/index.ts";
import type { Device } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { print, printable, printJson, table } from "../output.ts";

/** `machineid list` */
export const command = defineCommand({
  meta: { name: "list", description: "List the org's devices" },
  args: CONNECTION_ARGUMENTS,
  async run({ args }): Promise<ExitCode> {
    const body = expectDone(await connect(args).request("listDevices"), "Listing the devices");
    const known = listDevicesAnswerSchema.safeParse(body);
    if (args.json === true || !known.success) printJson(body);
    else if (known.data.devices.length === 0) {
      print("No devices yet. machineid register DEVICE makes one");
    } else {
      const rows = known.data.devices.map(rowOf);
      print(table([["DEVICE", "STATUS", "REGISTERED", "LAST CHECK"], ...rows]));
    }
    return EXIT.ok;
  },
});

function rowOf({ deviceId, status, createdAt, lastSeenAt }: Device): readonly string[] {
  return [deviceId, status, toSeconds(createdAt), toSeconds(lastSeenAt)].map(printable);
}

/** An instant without its fraction, which nobody reads. */
function toSeconds(instant: string | null): string {
  return instant === null ? "never" : instant.replace(/\.\d+(?=Z|[+-])/, "");
}
