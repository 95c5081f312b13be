import { defineCommand } from "citty";
import type { MachineID } from "../../client/index.ts";
import { listDevicesAnswerSchema, MAX_PAGE_SIZE } from "../../wire/index.ts";
import type { Device } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import type { Done } from "../answer.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
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
    const { body, devices } = await listAll(connect(args), args.pattern);
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

/**
 * All devices, page by page, as one answer. An authority without pages answers
 * them all at once. `devices` is undefined when an answer does not list any.
 */
async function listAll(
  client: MachineID,
  devicePattern: string | undefined,
): Promise<{ readonly body: Done; readonly devices: readonly Device[] | undefined }> {
  const devices: Device[] = [];
  let cursor: string | undefined;
  for (;;) {
    const query = { limit: MAX_PAGE_SIZE, cursor, devicePattern };
    const body = expectDone(await client.request("listDevices", query), "Listing the devices");
    const known = listDevicesAnswerSchema.safeParse(body);
    if (!known.success) return { body, devices: undefined };
    devices.push(...known.data.devices);
    const next = known.data.cursor ?? undefined;
    // A cursor that leads nowhere would never end.
    if (next === undefined || next === cursor) return { body: { ...body, devices }, devices };
    cursor = next;
  }
}

function rowOf({ deviceId, status, createdAt, lastSeenAt }: Device): readonly string[] {
  return [deviceId, status, toSeconds(createdAt), toSeconds(lastSeenAt)].map(printable);
}

/** An instant without its fraction, which nobody reads. */
function toSeconds(instant: string | null): string {
  return instant === null ? "never" : instant.replace(/\.\d+(?=Z|[+-])/, "");
}
