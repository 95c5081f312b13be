import type { AuditEntry } from "../../wire/index.ts";
import type { DeviceRecord } from "../store/records.ts";

/** What the latest change of a device made of it. */
interface Replayed {
  readonly version: number;
  readonly state: "active" | "revoked" | "removed";
}

/** The devices of an org as its audit tells of them, whatever the order in which chains are read. */
export class DeviceReplay {
  readonly #devices = new Map<string, Replayed>();

  /** Takes an entry of any of the org's chains. */
  add({ op, deviceId, version, detail }: AuditEntry): void {
    const state = stateAfter(op, detail);
    if (deviceId === undefined || state === undefined) return;
    const known = this.#devices.get(deviceId);
    if (known === undefined || known.version < version) {
      this.#devices.set(deviceId, { version, state });
    }
  }

  /**
   * Compares with the devices that are stored.
   *
   * @param isWhole nothing was cut from the org's chains, so that every device has its entries
   * @returns what does not agree, or undefined
   */
  difference(devices: readonly DeviceRecord[], isWhole: boolean): string | undefined {
    const missing = new Map(this.#devices);
    for (const { deviceId, revokedAt, version } of devices) {
      const replayed = this.#devices.get(deviceId);
      missing.delete(deviceId);
      const name = JSON.stringify(deviceId);
      if (replayed === undefined || replayed.version < version) {
        if (isWhole) return `the device ${name} is not what the audit made of it: no entry says so`;
        continue;
      }
      const state = revokedAt === null ? "active" : "revoked";
      if (replayed.state !== state || replayed.version !== version) {
        return `the device ${name} is ${state}, and the audit says ${replayed.state}`;
      }
    }
    for (const [deviceId, { state }] of missing) {
      if (state !== "removed") {
        return `the device ${JSON.stringify(deviceId)} is gone, and the audit says ${state}`;
      }
    }
    return undefined;
  }
}

function stateAfter(op: string, detail: AuditEntry["detail"] = {}): Replayed["state"] | undefined {
  if (op === "register") return detail["outcome"] === "created" ? "active" : undefined;
  if (op === "remove") return "removed";
  if (detail["changed"] !== true) return undefined;
  if (op === "revoke") return "revoked";
  return op === "unrevoke" ? "active" : undefined;
}
