import { isLive } from "./authorize.ts";
import type { KeyRecord } from "./store/records.ts";

/** Most keys of an org that can be used at once. */
export const MAX_LIVE_KEYS = 1_000;
/** Most keys that are of no use any more in a list. */
const MAX_ENDED_LISTED = 500;

/** Why a key was not made, revoked or rotated. */
export type KeyConflict = "too_many_keys" | "last_owner_key" | "key_ended" | "key_rotated";

/** The keys of an org, in the order they were made. */
type Keys = readonly KeyRecord[];

/** Whether an org may have another key. */
export function decideKeyCreation(keys: Keys, at: number): "allowed" | KeyConflict {
  const live = keys.filter((key) => isLive(key, at));
  return live.length >= MAX_LIVE_KEYS ? "too_many_keys" : "allowed";
}

/** Whether an owner key would be left that lasts as long: an org always keeps a key that can make others. */
function hasOwnerLike(keys: Keys, { id, expiresAt }: KeyRecord, at: number): boolean {
  const end = expiresAt ?? Number.POSITIVE_INFINITY;
  return keys.some(
    (other) =>
      other.id !== id &&
      other.role === "owner" &&
      isLive(other, at) &&
      (other.expiresAt ?? Number.POSITIVE_INFINITY) >= end,
  );
}

/** Whether a key may be revoked. The last owner key may not. */
export function decideKeyRevocation(
  keys: Keys,
  key: KeyRecord,
  at: number,
): "allowed" | KeyConflict {
  if (key.role !== "owner" || !isLive(key, at)) return "allowed";
  return hasOwnerLike(keys, key, at) ? "allowed" : "last_owner_key";
}

/** How a key is rotated. */
export interface KeyRotation {
  /** For how long the old key works on, in milliseconds. */
  readonly overlapMs: number;
  /** When the new key expires; undefined: it lives as long as the old one was made to. */
  readonly expiresAt: number | undefined;
}

/** What of a new key is not taken from the one it replaces. */
export type KeySecret = Pick<KeyRecord, "id" | "hash" | "lastFour" | "createdAt">;

/** Decides what the old and the new key are after a rotation. */
export function decideKeyRotation(
  keys: Keys,
  old: KeyRecord,
  secret: KeySecret,
  { overlapMs, expiresAt }: KeyRotation,
  at: number,
): { readonly old: KeyRecord; readonly replacement: KeyRecord } | KeyConflict {
  if (old.replacedBy !== null) return "key_rotated";
  if (!isLive(old, at)) return "key_ended";
  const creation = decideKeyCreation(keys, at);
  if (creation !== "allowed") return creation;
  const lifetime = old.expiresAt === null ? null : at + (old.expiresAt - old.createdAt);
  const end = at + overlapMs;
  const replacement = { ...old, ...secret, replacedBy: null, expiresAt: expiresAt ?? lifetime };
  if (old.role === "owner" && !hasOwnerLike([...keys, replacement], old, at)) {
    return "last_owner_key";
  }
  return {
    old: { ...old, replacedBy: secret.id, expiresAt: Math.min(old.expiresAt ?? end, end) },
    replacement,
  };
}

/** The keys that a list shows: all that can be used, and the newest of those that cannot any more. */
export function listedKeys(keys: Keys, at: number): KeyRecord[] {
  const ended = keys.filter((key) => !isLive(key, at)).slice(-MAX_ENDED_LISTED);
  const shown = new Set(ended);
  return keys.filter((key) => shown.has(key) || isLive(key, at));
}
