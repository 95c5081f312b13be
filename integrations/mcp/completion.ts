import type { GuardClient } from "../../src/index.ts";
import { listDevices } from "./authority.ts";
import { withProtocolErrors } from "./failure.ts";

/** How long somebody waits for suggestions while typing, in milliseconds. */
const COMPLETION_TIMEOUT_MS = 2_000;

/** The ids of devices that begin with what was typed, and after them those that contain it. */
export async function completeDeviceId(client: GuardClient, typed: string): Promise<string[]> {
  const devices = await withProtocolErrors(
    listDevices(client, { timeoutMs: COMPLETION_TIMEOUT_MS }),
  );
  const ids = devices.map(({ deviceId }) => deviceId).filter((id) => id.includes(typed));
  return [
    ...ids.filter((id) => id.startsWith(typed)),
    ...ids.filter((id) => !id.startsWith(typed)),
  ];
}
