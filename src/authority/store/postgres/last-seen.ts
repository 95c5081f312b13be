import type { DeviceRecord } from "../records.ts";
import type { Connection } from "./connection.ts";

/** Most devices that are written with one statement. */
const DEVICES_AT_ONCE = 1_000;

/*
 * Rows that something else holds are left out: this is advisory, and so it waits
 * for nothing and nothing that waits for it holds a row that it needs.
 */
const WRITE = {
  name: "machineid_seen",
  text: `
    WITH free AS MATERIALIZED (
      SELECT d.org_id, d.device_id, s.at
      FROM unnest($1::text[], $2::text[], $3::bigint[]) AS s (org_id, device_id, at)
        JOIN machineid.devices d ON d.org_id = s.org_id AND d.device_id = s.device_id
      WHERE coalesce(d.last_seen_at, 0) < s.at AND d.created_at <= s.at
      FOR NO KEY UPDATE OF d SKIP LOCKED
    )
    UPDATE machineid.devices d SET last_seen_at = free.at FROM free
    WHERE d.org_id = free.org_id AND d.device_id = free.device_id`,
};

interface Seen {
  readonly orgId: string;
  readonly deviceId: string;
  readonly at: number;
}

/** When devices last asked for a decision, as far as it is not written yet. */
export class LastSeen {
  #byOrg = new Map<string, Map<string, number>>();

  note(orgId: string, deviceId: string, at: number): void {
    const devices = this.#byOrg.get(orgId);
    if (devices === undefined) this.#byOrg.set(orgId, new Map([[deviceId, at]]));
    else devices.set(deviceId, at);
  }

  /** A device as it is when what is not written yet is counted in. */
  complete(orgId: string, device: DeviceRecord): DeviceRecord {
    const at = this.#byOrg.get(orgId)?.get(device.deviceId);
    if (at === undefined || at < device.createdAt || at <= (device.lastSeenAt ?? 0)) return device;
    return { ...device, lastSeenAt: at };
  }

  /** Writes what was noted. What could not be written is dropped. */
  async write(connection: Connection, timeoutMs: number): Promise<void> {
    const seen: Seen[] = [];
    for (const [orgId, devices] of this.#byOrg) {
      for (const [deviceId, at] of devices) seen.push({ orgId, deviceId, at });
    }
    for (let first = 0; first < seen.length; first += DEVICES_AT_ONCE) {
      const slice = seen.slice(first, first + DEVICES_AT_ONCE);
      const values = [
        slice.map(({ orgId }) => orgId),
        slice.map(({ deviceId }) => deviceId),
        slice.map(({ at }) => at),
      ];
      await connection.query(WRITE, values, timeoutMs);
      for (const { orgId, deviceId, at } of slice) this.#drop(orgId, deviceId, at);
    }
  }

  #drop(orgId: string, deviceId: string, at: number): void {
    const devices = this.#byOrg.get(orgId);
    if (devices?.get(deviceId) !== at) return;
    devices.delete(deviceId);
    if (devices.size === 0) this.#byOrg.delete(orgId);
  }
}
