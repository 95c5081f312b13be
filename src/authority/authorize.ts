import { matchesDevice } from "../wire/index.ts";
import type { KeyRole } from "../wire/index.ts";
import type { DeviceRecord, KeyRecord, OrgRecord } from "./store/records.ts";

/** Which roles may do what. The one table of rights: stores decide by it, and every route names its row. */
export const PERMISSIONS = Object.freeze({
  "devices:register": ["owner", "agent"],
  "devices:validate": ["owner", "agent"],
  "devices:list": ["owner", "operator", "viewer"],
  "devices:revoke": ["owner", "operator"],
  "devices:unrevoke": ["owner", "operator"],
  "devices:remove": ["owner", "operator"],
  "usage:read": ["owner", "viewer"],
  "stops:read": ["owner", "operator", "viewer"],
  "sessions:read": ["owner", "operator", "viewer"],
  "org:read": ["owner", "operator", "viewer"],
  "org:stop": ["owner", "operator"],
  "org:resume": ["owner", "operator"],
  "org:policy": ["owner"],
  "keys:read": ["owner"],
  "keys:write": ["owner"],
  "audit:read": ["owner", "operator", "viewer"],
} as const satisfies Record<string, readonly KeyRole[]>);
export type Permission = keyof typeof PERMISSIONS;

/** Who may call a route: anyone without a key, the authority's administrator, or keys with a permission. */
export type Access = "anyone" | "admin" | Permission;

/** Why a known key may not do what it asked for. */
export type ForbiddenReason = "role" | "device_pattern" | "device_owner" | "two_person";

/** The part of a key that rights rest on. */
export type KeyStanding = Pick<
  KeyRecord,
  "id" | "role" | "devicePattern" | "deviceOwner" | "expiresAt" | "revokedAt" | "replacedBy"
>;

/** Whether a key may be used at all. @param at milliseconds since the epoch */
export function isLive(key: Pick<KeyRecord, "expiresAt" | "revokedAt">, at: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || at < key.expiresAt);
}

/** Whether a key may hold leases: on which devices, {@link authorize} says of each. */
export function mayHoldLeases(key: Pick<KeyStanding, "role">): boolean {
  const roles: readonly string[] = PERMISSIONS["devices:validate"];
  return roles.includes(key.role);
}

/**
 * Whether a live key may do something, or why not.
 *
 * @param deviceId the device it would do it to, when it is one
 */
export function authorize(
  key: KeyStanding,
  permission: Permission,
  deviceId?: string,
): "allowed" | ForbiddenReason {
  const roles: readonly string[] = PERMISSIONS[permission];
  if (!roles.includes(key.role)) return "role";
  if (key.role !== "agent") return "allowed";
  // An agent's key without a pattern, or an operation without a device, is none of its business.
  const isMine =
    key.devicePattern !== null &&
    deviceId !== undefined &&
    matchesDevice(key.devicePattern, deviceId);
  return isMine ? "allowed" : "device_pattern";
}

/**
 * Under whom a device is registered: what the key says, if it says anything. A
 * key may not register under another's name.
 */
export function registrationOwner(
  key: Pick<KeyStanding, "deviceOwner">,
  asked: string | undefined,
): { readonly owner: string | null } | "device_owner" {
  if (key.deviceOwner === null) return { owner: asked ?? null };
  if (asked === undefined || asked === key.deviceOwner) return { owner: key.deviceOwner };
  return "device_owner";
}

/** Whether a key may restore or remove a device: a device under an owner, only a key of that owner or of the org's. */
export function mayRestore(
  key: Pick<KeyStanding, "role" | "deviceOwner">,
  device: Pick<DeviceRecord, "owner">,
): boolean {
  return key.role === "owner" || device.owner === null || device.owner === key.deviceOwner;
}

/**
 * Whether a key that may remove devices may remove this one. Who removes a
 * revoked device lets it be registered anew, so where restores need two keys, a
 * revoked device cannot be removed.
 */
export function authorizeRemoval(
  org: Pick<OrgRecord, "twoPersonRestore">,
  key: Pick<KeyStanding, "role" | "deviceOwner">,
  device: Pick<DeviceRecord, "owner" | "revokedAt">,
): "allowed" | ForbiddenReason {
  if (!mayRestore(key, device)) return "device_owner";
  return org.twoPersonRestore && device.revokedAt !== null ? "two_person" : "allowed";
}
