import type { MachineID } from "../client/index.ts";
import { listDevicesAnswerSchema, MAX_PAGE_SIZE } from "../wire/index.ts";
import type { ListDevicesAnswer } from "../wire/index.ts";
import { expectDone } from "./answer.ts";
import type { Done } from "./answer.ts";

export type ListedDevice = ListDevicesAnswer["devices"][number];

/**
 * All devices, page by page, as one answer. An authority without pages answers
 * them all at once. `devices` is undefined when an answer does not list any.
 *
 * @throws {@link CommandError} for an answer that is no list
 */
export async function listDevices(
  client: MachineID,
  devicePattern: string | undefined,
): Promise<{ readonly body: Done; readonly devices: readonly ListedDevice[] | undefined }> {
  const devices: ListedDevice[] = [];
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
