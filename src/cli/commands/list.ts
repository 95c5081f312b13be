import { defineCommand } from "citty";
import type { Device } from "../../wire/index.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { listDevices } from "../list-devices.ts";
import { print, printable, printJson, table } from "../output.ts";

/** `machineid list` */
export const command = defineCommand({
  meta: { name: "list", description: "List the org's devices" },
  args: {
    pattern: {
      type: "string",
      description: "Only devices whose id begins so, for example worker:prod:*",
      valueHint: "PATTERN",
    },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const { body, devices } = await listDevices(connect(args), args.pattern);
    if (args.json === true || devices === undefined) printJson(body);
    else if (devices.length === 0) {
      print("No devices yet. machineid register DEVICE makes one");
    } else {
      const rows = devices.map(rowOf);
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
