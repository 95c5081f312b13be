/** Longest device id, in UTF-16 code units, counted after trimming. */
export const MAX_DEVICE_ID_LENGTH = 256;

const CONTROL_CHARACTER = /\p{Cc}/u;

export type DeviceIdReading =
  | { readonly deviceId: string; readonly problem?: undefined }
  | { readonly deviceId?: undefined; readonly problem: string };

/**
 * Reads a device id: a label its owner chooses, neither a secret nor a
 * fingerprint. Recommended: `{service}:{env}:{role}:{instance}`. It is trimmed,
 * has 1 to 256 UTF-16 units, no control characters, and is well formed: a lone
 * surrogate would become another id on its way through UTF-8.
 */
export function readDeviceId(value: unknown): DeviceIdReading {
  if (typeof value !== "string") return { problem: "must be a string" };
  const deviceId = value.trim();
  if (deviceId === "") return { problem: "must not be empty" };
  if (deviceId.length > MAX_DEVICE_ID_LENGTH) {
    return { problem: `must have at most ${MAX_DEVICE_ID_LENGTH} characters` };
  }
  if (!deviceId.isWellFormed()) return { problem: "must be well-formed Unicode" };
  if (CONTROL_CHARACTER.test(deviceId)) return { problem: "must not contain control characters" };
  return { deviceId };
}
