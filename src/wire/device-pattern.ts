import { readDeviceId } from "./device-id.ts";

export type DevicePatternReading =
  | { readonly pattern: string; readonly problem?: undefined }
  | { readonly pattern?: undefined; readonly problem: string };

/**
 * Reads a device pattern: one device id, or the beginning of ids with `*` at its
 * end. `worker:prod:*` matches every id that begins with `worker:prod:`, and `*`
 * alone every id. A `*` elsewhere is refused, since it could be taken for more
 * or for less than it would match.
 */
export function readDevicePattern(value: unknown): DevicePatternReading {
  const { deviceId: pattern, problem } = readDeviceId(value);
  if (pattern === undefined) return { problem };
  const star = pattern.indexOf("*");
  if (star === -1 || star === pattern.length - 1) return { pattern };
  return { problem: "may have one *, at its end" };
}

/** Whether a pattern, as {@link readDevicePattern} read it, covers a device id. */
export function matchesDevice(pattern: string, deviceId: string): boolean {
  return pattern.endsWith("*") ? deviceId.startsWith(pattern.slice(0, -1)) : deviceId === pattern;
}
